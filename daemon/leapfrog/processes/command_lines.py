"""The command lines that start our child processes. Each passes our process id, so that the child ends with us."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

ENGINE_HOST = Path(__file__).parent.parent / "engine" / "host.py"  # not imported, because that would import numpy
EDGE_TPU_LIBRARY = "libedgetpu.so.1"


def our_program(module: str, *arguments: str) -> list[str]:
    """Run one of our programs under this interpreter, without the current folder on its import path (-P)."""
    return [sys.executable, "-P", "-m", module, *arguments, "--parent", str(os.getpid())]


def engine_host(python: str, *arguments: str, models: Iterable[Path] = ()) -> list[str]:
    """Run the engine host under the interpreter `python`, which does not need to have Leapfrog installed. It may read
    what is in the folders `models`.
    """
    readable = [argument for folder in models for argument in ("--read", str(folder.resolve()))]
    return [python, "-I", str(ENGINE_HOST), *arguments, *readable, "--parent", str(os.getpid())]


def on_edge_tpu(device: str, library: str = EDGE_TPU_LIBRARY) -> list[str]:
    """The options with which an engine host uses `device`, which is libedgetpu's name for it, such as usb:0."""
    return ["--edge-tpu", device, "--library", library]
