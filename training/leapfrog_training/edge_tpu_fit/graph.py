"""A TFLite file as a graph of operations and tensors."""

import struct
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from leapfrog_training.errors import ModelFileError

EDGE_TPU_OPERATION = "edgetpu-custom-op"
FILE_IDENTIFIER = b"TFL3"
LEAST_BYTES = 8  # root offset and file identifier
MOST_DIMENSIONS = 8
# The errors that flatbuffers and numpy raise for invalid offsets and lengths.
DAMAGE = (struct.error, IndexError, KeyError, TypeError, ValueError, OverflowError, AttributeError, MemoryError)

_OPERATIONS = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
_TYPES = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
_BYTES = {"INT8": 1, "UINT8": 1, "BOOL": 1, "INT16": 2, "FLOAT16": 2, "INT32": 4, "FLOAT32": 4, "INT64": 8}


@dataclass(frozen=True)
class Tensor:
    """One tensor. `is_constant`: its values are in the file. `is_static`: all its dimensions are fixed. `values` are
    those of a short int32 constant, such as strides.
    """

    shape: tuple[int, ...]
    kind: str
    is_constant: bool
    is_static: bool
    values: tuple[int, ...] = ()

    @property
    def elements(self) -> int:
        """The number of values."""
        return prod(self.shape)

    @property
    def byte_count(self) -> int:
        """The size of its values in bytes."""
        return self.elements * _BYTES.get(self.kind, 4)


@dataclass(frozen=True)
class Operation:
    """One operation. `inputs` and `outputs` are positions in the graph's tensors; a missing optional input is None."""

    name: str
    version: int
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]
    options: Any


@dataclass(frozen=True)
class Graph:
    """The one subgraph of a model, its operations in the order of execution."""

    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def inputs_of(self, operation: Operation) -> tuple[Tensor, ...]:
        """The tensors that an operation reads, including constants."""
        return tuple(self.tensors[index] for index in operation.inputs if index is not None)

    def outputs_of(self, operation: Operation) -> tuple[Tensor, ...]:
        """The tensors that an operation writes."""
        return tuple(self.tensors[index] for index in operation.outputs)

    @property
    def is_compiled(self) -> bool:
        """Whether edgetpu_compiler made this file."""
        return any(operation.name == EDGE_TPU_OPERATION for operation in self.operations)


def read_graph(model: bytes) -> Graph:
    """The graph of a TFLite file. Raises ModelFileError if it is not one, is damaged or has several subgraphs."""
    if len(model) < LEAST_BYTES or model[4:8] != FILE_IDENTIFIER:
        raise ModelFileError("this is not a TFLite model: give the .tflite file that a converter wrote")
    try:
        return _graph(schema.Model.GetRootAs(model, 0), len(model))
    except DAMAGE as problem:
        raise ModelFileError(
            f"the TFLite model is damaged or incomplete ({type(problem).__name__}): convert or copy it again"
        ) from problem


def _graph(parsed: Any, size: int) -> Graph:
    if parsed.SubgraphsLength() != 1:
        raise ModelFileError(
            f"the model has {parsed.SubgraphsLength()} subgraphs; the Edge TPU runs only one, without control flow"
        )
    graph = parsed.Subgraphs(0)
    counts = (graph.TensorsLength(), graph.OperatorsLength(), parsed.OperatorCodesLength(), parsed.BuffersLength())
    if max(counts) > size // 4 or not graph.OperatorsLength():
        raise ValueError("lengths beyond the file's end")
    tensors = tuple(_tensor(parsed, graph.Tensors(index), size) for index in range(graph.TensorsLength()))
    codes = [_code(parsed.OperatorCodes(index)) for index in range(parsed.OperatorCodesLength())]
    operations = tuple(_operation(graph.Operators(index), codes, tensors) for index in range(graph.OperatorsLength()))
    inputs = tuple(_position(graph.Inputs(index), tensors) for index in range(graph.InputsLength()))
    outputs = tuple(_position(graph.Outputs(index), tensors) for index in range(graph.OutputsLength()))
    return Graph(tensors, operations, inputs, outputs)


def _tensor(parsed: Any, tensor: Any, size: int) -> Tensor:
    if tensor.ShapeLength() > MOST_DIMENSIONS:
        raise ValueError("a tensor with too many dimensions")
    shape = tuple(int(tensor.Shape(index)) for index in range(tensor.ShapeLength()))
    signature = [int(tensor.ShapeSignature(index)) for index in range(min(tensor.ShapeSignatureLength(), len(shape)))]
    stored = parsed.Buffers(tensor.Buffer()).DataLength()
    if stored > size:
        raise ValueError("a constant beyond the file's end")
    kind = _TYPES[tensor.Type()]
    values: tuple[int, ...] = ()
    if kind == "INT32" and 0 < stored <= _BYTES[kind] * MOST_DIMENSIONS:
        values = tuple(int(value) for value in np.frombuffer(parsed.Buffers(tensor.Buffer()).DataAsNumpy(), "<i4"))
    return Tensor(
        shape=shape,
        kind=kind,
        is_constant=stored > 0,
        is_static=all(length >= 0 for length in (*shape, *signature)),
        values=values,
    )


def _code(code: Any) -> tuple[str, int]:
    name = _OPERATIONS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    if name == "CUSTOM":
        name = (code.CustomCode() or b"CUSTOM").decode("ascii", errors="replace")
    return name, int(code.Version())


def _operation(operator: Any, codes: list[tuple[str, int]], tensors: tuple[Tensor, ...]) -> Operation:
    name, version = codes[operator.OpcodeIndex()]
    if operator.InputsLength() + operator.OutputsLength() > 2 * len(tensors) + MOST_DIMENSIONS:
        raise ValueError("an operation with too many tensors")
    read = (int(operator.Inputs(index)) for index in range(operator.InputsLength()))
    return Operation(
        name=name,
        version=version,
        inputs=tuple(None if index < 0 else _position(index, tensors) for index in read),
        outputs=tuple(_position(operator.Outputs(index), tensors) for index in range(operator.OutputsLength())),
        options=_options(operator),
    )


def _position(index: int, tensors: tuple[Tensor, ...]) -> int:
    if not 0 <= index < len(tensors):
        raise IndexError("a tensor that does not exist")
    return int(index)


def _options(operator: Any) -> Any:
    """The options of the operation as a plain object of the schema, or None if it has none."""
    if operator.BuiltinOptions() is None or operator.BuiltinOptionsType() == schema.BuiltinOptions.NONE:
        return None
    return schema.BuiltinOptionsCreator(operator.BuiltinOptionsType(), operator.BuiltinOptions())
