"""A disk that takes its time for each sync, as SD cards and hard disks do, for a program on a quick one."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


def slow_syncs_possible() -> bool:
    """Whether this machine has what builds the library."""
    return shutil.which("gcc") is not None


def slow_syncs(directory: Path, milliseconds: int) -> Mapping[str, str]:
    """What is to be in a program's environment, so that each fsync and fdatasync of it, and of what it starts, takes so
    much longer. Builds a library into `directory`; needs gcc.
    """
    library = directory / "slow_syncs.so"
    command = ["gcc", "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return {"LD_PRELOAD": str(library), "SLOW_SYNCS_MILLISECONDS": str(milliseconds)}
