"""A double of the Edge TPU: a libedgetpu.so.1 built from `double.c`, models compiled for it, and what it is told to do.

Everything above the driver is the real code: the double exports the real entry points and takes over the operations
with the custom code `edgetpu-custom-op`, as the real library does.
"""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SOURCE = Path(__file__).with_name("double.c")
FOLDER_VARIABLE = "EDGE_TPU_DOUBLE"
CUSTOM_OPERATION = "edgetpu-custom-op"
EDGE_TPU_SECTION = """
[edge_tpu]
compiler_version = "16.0.384591198"
min_runtime_version = 14
operations_on_edge_tpu = 4
operations_on_cpu = 0
on_chip_bytes = 4096
remaining_bytes = 7000000
streamed_bytes = 0
"""


def build_library(folder: Path) -> Path:
    """Compile the double into `folder`, under the name of the real one."""
    library = folder / "libedgetpu.so.1"
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True, capture_output=True)
    return library


def compiled(model: bytes) -> bytes:
    """What edgetpu_compiler would make of an int8 model: one custom operation with all of it within."""
    whole = schema.ModelT.InitFromPackedBuf(model, 0)
    (graph,) = whole.subgraphs
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = CUSTOM_OPERATION.encode(), 1
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, list(graph.inputs), list(graph.outputs)
    operator.customOptions = np.frombuffer(model, np.uint8)
    whole.operatorCodes, graph.operators = [code], [operator]
    builder = flatbuffers.Builder(len(model) + 1024)
    builder.Finish(whole.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def compile_package(package: Path) -> Path:
    """Give the package in `package` a model for the Edge TPU, as `leapfrog-train compile` does; returns the folder."""
    content = compiled((package / "model.tflite").read_bytes())
    (package / "model_edgetpu.tflite").write_bytes(content)
    manifest = (package / "model.toml").read_text(encoding="utf-8")
    listed = f'[files]\n"model_edgetpu.tflite" = "{hashlib.sha256(content).hexdigest()}"'
    (package / "model.toml").write_text(manifest.replace("[files]", listed) + EDGE_TPU_SECTION, encoding="utf-8")
    return package


@dataclass(frozen=True)
class EdgeTpuDouble:
    """The folder in which the library looks for what it shall do."""

    folder: Path
    library: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to be given so that it finds the double."""
        return {FOLDER_VARIABLE: str(self.folder)}

    def plug_in(self, *devices: str) -> None:
        """These devices are there from now on: ``usb /sys/bus/usb/devices/1-2``; none: all are gone."""
        (self.folder / "devices").write_text("\n".join(devices))

    def next(self, behaviour: str) -> None:
        """The next call ends this way, and only that one."""
        (self.folder / "next").write_text(behaviour)

    @property
    def is_pending(self) -> bool:
        """Whether nothing has met what `next` said."""
        return (self.folder / "next").stat().st_size > 0

    def take_back(self) -> None:
        """What `next` said, if nothing has met it."""
        (self.folder / "next").write_text("")

    def always(self, behaviour: str) -> None:
        """Every call ends this way; "" ends it."""
        (self.folder / "always").write_text(behaviour)

    @property
    def calls(self) -> int:
        """How many invocations gave an answer."""
        counted = self.folder / "calls"
        return counted.stat().st_size if counted.exists() else 0
