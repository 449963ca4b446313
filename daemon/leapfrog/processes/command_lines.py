"""The command lines by which our children are started. Each names us: a child ends with its parent's thread."""

import os
import sys
from pathlib import Path

ENGINE_HOST = Path(__file__).parent.parent / "engine" / "host.py"  # not imported, since that would bring numpy along
EDGE_TPU_LIBRARY = "libedgetpu.so.1"


def our_program(module: str, *arguments: str) -> list[str]:
    """A program of ours under this interpreter, without the folder that it is started in on its path (-P)."""
    return [sys.executable, "-P", "-m", module, *arguments, "--parent", str(os.getpid())]


def engine_host(python: str, *arguments: str) -> list[str]:
    """The engine host under the interpreter `python`, which need have nothing of ours."""
    return [python, "-I", str(ENGINE_HOST), *arguments, "--parent", str(os.getpid())]


def on_edge_tpu(device: str, library: str = EDGE_TPU_LIBRARY) -> list[str]:
    """What an engine host is started with to use `device`, in libedgetpu's words such as usb:0."""
    return ["--edge-tpu", device, "--library", library]
