"""Reads the runtime version that a compiled TFLite file needs.

edgetpu_compiler replaces the operations that it maps by one custom operation. The options of that operation are a
FlexBuffer map, whose key "4" holds a FlatBuffer: the table `Package` of executable.fbs in google-coral/libedgetpu.
"""

from ai_edge_litert import schema_py_generated as schema
from flatbuffers import encode, flexbuffers, packer  # type: ignore[import-untyped]
from flatbuffers.number_types import Int32Flags  # type: ignore[import-untyped]
from flatbuffers.table import Table  # type: ignore[import-untyped]

from leapfrog_training.edge_tpu_fit.graph import DAMAGE, EDGE_TPU_OPERATION, Graph, read_graph
from leapfrog_training.errors import CompilerError, ModelFileError

EXECUTABLE_KEY = "4"
EXECUTABLE_IDENTIFIER = b"DWN1"
MIN_RUNTIME_VERSION_FIELD = 4  # the first field of `Package`, as an offset into the table of fields


def oldest_runtime(name: str, source: bytes, compiled: bytes) -> int:
    """The oldest Edge TPU runtime that can run the compiled model `name`, made from `source`.

    Raises CompilerError unless it is a model for the Edge TPU with the same inputs and outputs as `source`.
    """
    try:
        before, after = read_graph(source), read_graph(compiled)
        if not after.is_compiled:
            raise CompilerError(f"the compiled {name} has no {EDGE_TPU_OPERATION}: nothing was compiled")
        if _ends(before) != _ends(after):
            raise CompilerError(
                f"the compiled {name} has different inputs or outputs than the model that it was made from: "
                f"{_ends(after)} instead of {_ends(before)}"
            )
        return max(map(_min_runtime_version, _executables(compiled)))
    except ModelFileError as problem:
        raise CompilerError(f"the compiled {name} cannot be read: {problem}") from problem


def _ends(graph: Graph) -> list[tuple[str, tuple[int, ...]]]:
    tensors = [graph.tensors[index] for index in (*graph.inputs, *graph.outputs)]
    return [(tensor.kind, tensor.shape) for tensor in tensors]


def _executables(compiled: bytes) -> list[bytes]:
    model = schema.Model.GetRootAs(compiled, 0)
    graph = model.Subgraphs(0)
    operators = map(graph.Operators, range(graph.OperatorsLength()))
    options = [
        operator.CustomOptionsAsNumpy()
        for operator in operators
        if model.OperatorCodes(operator.OpcodeIndex()).CustomCode() == EDGE_TPU_OPERATION.encode()
    ]
    try:
        return [flexbuffers.GetRoot(one.tobytes()).AsMap[EXECUTABLE_KEY].AsStringBytes for one in options]
    except DAMAGE as problem:
        raise ModelFileError("its options contain no program for the Edge TPU") from problem


def _min_runtime_version(executable: bytes) -> int:
    if executable[4:8] != EXECUTABLE_IDENTIFIER:
        raise ModelFileError("it contains no program for the Edge TPU")
    try:
        table = Table(executable, encode.Get(packer.uoffset, executable, 0))
        offset = table.Offset(MIN_RUNTIME_VERSION_FIELD)
        return int(table.Get(Int32Flags, table.Pos + offset)) if offset else 0
    except DAMAGE as problem:
        raise ModelFileError("its program for the Edge TPU is damaged") from problem
