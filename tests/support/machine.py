"""The machine that is measured on, since every number depends on it."""

import os
import platform
import statistics
import time
from pathlib import Path

FSYNCS = 50


def describe(directory: Path) -> dict[str, str]:
    """Processor, memory, system, and the disk under `directory` with what an fsync costs there."""
    return {
        "processor": f"{os.cpu_count()} x {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"Linux {platform.release()}, Python {platform.python_version()}",
        "disk": f"{_file_system(directory)}, fsync of 4 KiB {_fsync_milliseconds(directory):.1f} ms",
        "load": f"{os.getloadavg()[0]:.1f} in the minute before (other work on the machine lowers every number)",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _file_system(directory: Path) -> str:
    """The type of the file system that `directory` is on: of the longest mount point above it."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(point, kind) for _, point, kind, *_ in mounts if directory.resolve().is_relative_to(point)]
    return max(above, key=lambda mount: len(mount[0]))[1]


def _fsync_milliseconds(directory: Path) -> float:
    file = directory / "fsync-probe"
    taken = []
    with file.open("wb", buffering=0) as stream:
        for _ in range(FSYNCS):
            stream.write(b"x" * 4096)
            began = time.perf_counter()
            os.fsync(stream.fileno())
            taken.append(time.perf_counter() - began)
    file.unlink()
    return statistics.median(taken) * 1000
