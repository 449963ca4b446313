"""A double of edgetpu_compiler 16.0, which exists for one kind of machine only.

It takes the same options, prints what the real one prints and leaves the same files in the working folder. Where a real
pair of Coral's is beside the model that it gets, it leaves the real compiled file; else one custom operation between
the same inputs and outputs, which holds the one field of its program that anyone looks at.

`install` puts it on the PATH of a test; MODES says what it can be made to do.
"""

import argparse
import hashlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

VERSION = "16.0.384591198"
RUNTIME = 14  # the last one
ON_CHIP_BYTES = round(7.7 * 2**20)
SUPPORTED = "Mapped to Edge TPU"
MODES = {
    "full": "all operations are mapped",
    "partial": "the last two operations are left to the CPU",
    "two-parts": "there are two subgraphs for the Edge TPU",
    "refused": "the model cannot be prepared",
    "refused-silently": "the compilation fails without a reason",
    "not-quantized": "the model is not quantized",
    "timed-out": "the compiler's own limit passes",
    "hangs": "the compiler's own limit passes unnoticed",
    "crash": "SIGSEGV",
    "older-runtime": "with -m, all operations stay on the CPU",
    "newer-runtime": "-m is taken, and the last runtime is needed all the same",
    "no-output": "success is reported and no model is left",
    "empty-output": "the compiled file holds no operation of the Edge TPU",
    "damaged-output": "the compiled file is cut off",
    "other-shapes": "the compiled file has other inputs and outputs",
    "no-program": "the operation of the Edge TPU holds no program",
    "other-form": "a line of the output is missing",
    "other-counts": "the numbers of the output contradict each other",
    "one-only": "of several models, one is not spoken of",
    "other-program": "something else of that name",
    "status-1": "the output is that of a success, the exit status is not",
}


def install(folder: Path, mode: str, calls: Path, pairs: Path | None = None) -> None:
    """An executable `edgetpu_compiler` in `folder`; where it ran and with what is appended to the file `calls`."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "edgetpu_compiler"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" {mode} "{calls}" "{pairs or ""}" "$@"\n')
    program.chmod(0o755)


@dataclass(frozen=True)
class Model:
    """A model that it was given and what becomes of it."""

    source: Path
    operators: dict[tuple[str, str], int]
    compiled: bytes

    @property
    def mapped(self) -> int:
        return sum(count for (_, status), count in self.operators.items() if status == SUPPORTED)

    @property
    def on_cpu(self) -> int:
        return sum(self.operators.values()) - self.mapped


def main() -> None:
    """Take the mode, the file for the calls and the folder of the pairs, then what the real one takes."""
    mode, calls, pairs = sys.argv[1:4]
    options = argparse.ArgumentParser()
    options.add_argument("-s", action="store_true")
    options.add_argument("-t", type=int, default=180)
    options.add_argument("-m", type=int)
    options.add_argument("models", nargs="+", type=Path)
    asked = options.parse_args(sys.argv[4:])
    with Path(calls).open("a") as stream:
        stream.write(f"{Path.cwd()} {' '.join(sys.argv[4:])}\n")
    if mode == "other-program":
        print("edgetpu: usage: edgetpu_compiler FILE")
        return
    print(f"Edge TPU Compiler version {VERSION}")
    if mode == "not-quantized":
        print(f"Invalid model: {asked.models[0]}\nModel not quantized")
        sys.exit(1)
    print(f"Started a compilation timeout timer of {asked.t} seconds.", flush=True)
    _fail(mode)
    models = [_model(path, mode, asked.m, Path(pairs) if pairs else None) for path in asked.models]
    print(f"\nModel{'s' if len(models) > 1 else ''} compiled successfully in 412 ms.")
    kept = _kept(models)
    for model in models[: 1 if mode == "one-only" else None]:
        _report(model, mode, asked.s, kept[model.source], ON_CHIP_BYTES - sum(kept.values()))
    print("Compilation child process completed within timeout period.\nCompilation succeeded! ")
    sys.exit(mode == "status-1")


def _fail(mode: str) -> None:
    if mode == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if mode == "hangs":
        time.sleep(600)
    if mode == "timed-out":
        print("Compilation timeout. This is usually caused by large activations.\nCompilation failed! ")
        sys.exit(1)
    if mode == "refused":
        print("ERROR: Node number 3 (CONV_2D) failed to prepare.\n", file=sys.stderr, flush=True)
        print("Compilation failed: Model failed in Tflite interpreter.")
    if mode.startswith("refused"):
        print("Compilation child process completed within timeout period.\nCompilation failed! ")
        sys.exit(1)


def _model(path: Path, mode: str, min_runtime_version: int | None, pairs: Path | None) -> Model:
    content = path.read_bytes()
    names = _operator_names(content)
    real = _real_pair(content, pairs)
    if real is not None:
        left = [name for name in _operator_names(real) if name != "CUSTOM"]
        operators = _table(names[: len(names) - len(left)], left, "Operation not supported")
        return Model(path, operators, real)
    if mode == "older-runtime" and min_runtime_version is not None:
        return Model(path, _table([], names, "Operation is working on an unsupported data type"), content)
    mapped = names[:-2] if mode == "partial" else names
    operators = _table(mapped, names[len(mapped) :], "Operation version not supported")
    runtime = RUNTIME if min_runtime_version is None or mode == "newer-runtime" else min_runtime_version
    compiled = content if mode == "empty-output" else made_up(content, runtime, mode)
    return Model(path, operators, compiled[:-2000] if mode == "damaged-output" else compiled)


def _real_pair(content: bytes, pairs: Path | None) -> bytes | None:
    digest = hashlib.sha256(content).digest()
    for compiled in pairs.glob("*_edgetpu.tflite") if pairs else ():
        source = compiled.with_name(compiled.name.replace("_edgetpu", ""))
        if hashlib.sha256(source.read_bytes()).digest() == digest:
            return compiled.read_bytes()
    return None


def _table(mapped: list[str], left: list[str], reason: str) -> dict[tuple[str, str], int]:
    table: dict[tuple[str, str], int] = {}
    for name, status in [*((name, SUPPORTED) for name in mapped), *((name, reason) for name in left)]:
        table[name, status] = table.get((name, status), 0) + 1
    return table


def _kept(models: list[Model]) -> dict[Path, int]:
    """Bytes of each model on the chip: the first is served first."""
    kept: dict[Path, int] = {}
    for model in models:
        free = ON_CHIP_BYTES - sum(kept.values())
        kept[model.source] = min(model.source.stat().st_size, free) if model.mapped else 0
    return kept


def _report(model: Model, mode: str, shows_operators: bool, kept: int, remaining: int) -> None:
    """Print the part of one model and write its files."""
    stem = model.source.stem
    output, log = Path(f"{stem}_edgetpu.tflite"), Path(f"{stem}_edgetpu.log")
    size = model.source.stat().st_size
    total = sum(model.operators.values())
    print(f"\nInput model: {model.source}\nInput size: {_size(size)}")
    print(f"Output model: {output}\nOutput size: {_size(len(model.compiled))}")
    print(f"On-chip memory used for caching model parameters: {_size(kept)}")
    print(f"On-chip memory remaining for caching model parameters: {_size(remaining)}")
    if mode != "other-form":
        print(f"Off-chip memory used for streaming uncached model parameters: {_size(size - kept)}")
    print(f"Number of Edge TPU subgraphs: {2 if mode == 'two-parts' else int(model.mapped > 0)}")
    print(f"Total number of operations: {total + (mode == 'other-counts')}\nOperation log: {log}")
    if model.on_cpu:
        print("\nModel successfully compiled but not all operations are supported by the Edge TPU.")
        print(f"Number of operations that will run on Edge TPU: {model.mapped}")
        print(f"Number of operations that will run on CPU: {model.on_cpu}")
    rows = [f"{name:<31}{count:<11}{status}" for (name, status), count in model.operators.items()]
    table = "\n".join(["", f"{'Operator':<31}{'Count':<11}Status", "", *rows])
    print(table if shows_operators else "See the operation log file for individual operation details.")
    log.write_text(f"Edge TPU Compiler version {VERSION}\nInput: {model.source}\nOutput: {output}\n{table}\n")
    if mode != "no-output":
        output.write_bytes(model.compiled)


def _size(count: int) -> str:
    for unit, bytes_ in (("MiB", 2**20), ("KiB", 2**10)):
        if count >= bytes_:
            return f"{count / bytes_:.2f}{unit}"
    return f"{count:.2f}B"


def _operator_names(content: bytes) -> list[str]:
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    return [names[codes[operator.opcodeIndex]] for operator in model.subgraphs[0].operators]


def made_up(content: bytes, runtime: int, mode: str = "full") -> bytes:
    """A model of one custom operation for the Edge TPU between the inputs and outputs of the model `content`."""
    model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    inputs = len(graph.inputs)
    graph.tensors = [graph.tensors[int(index)] for index in (*graph.inputs, *graph.outputs)]
    for tensor in graph.tensors:
        tensor.buffer = 0
        if mode == "other-shapes":
            tensor.shape = [1, *tensor.shape]
    operator = schema.OperatorT()
    operator.opcodeIndex = 0
    operator.inputs, operator.outputs = list(range(inputs)), list(range(inputs, len(graph.tensors)))
    if mode != "no-program":
        operator.customOptions = list(_options(runtime))
    graph.inputs, graph.outputs, graph.operators = operator.inputs, operator.outputs, [operator]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = b"edgetpu-custom-op", 1
    model.operatorCodes, model.buffers = [code], [schema.BufferT()]
    model.metadata = model.metadataBuffer = model.signatureDefs = None
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _options(runtime: int) -> bytes:
    """The FlexBuffer map of the custom operation, with a `Package` of libedgetpu's executable.fbs under "4"."""
    package = flatbuffers.Builder(64)
    program = package.CreateByteVector(bytes(16))
    package.StartObject(8)
    package.PrependInt32Slot(0, runtime, 0)
    package.PrependUOffsetTRelativeSlot(1, program, 0)
    package.Finish(package.EndObject(), file_identifier=b"DWN1")
    options = flexbuffers.Builder()
    with options.Map():
        options.Key("1")
        options.Int(0)
        options.Key("4")
        options.String(bytes(package.Output()).decode("ascii"))  # so small that no byte of it is above 127
    return bytes(options.Finish())


if __name__ == "__main__":
    main()
