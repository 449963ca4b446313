"""Looking at processes through /proc, as a test that kills them must."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from leapfrog.lanes.lane import READER_PROGRAM
from leapfrog.processes import command_lines

READER = READER_PROGRAM  # what the command line of a reader has in it
ENGINE_HOST = "/".join(command_lines.ENGINE_HOST.parts[-2:])  # and that of an engine host
PATIENCE_SECONDS = 30.0  # the machine may be busy


def eventually(holds: Callable[[], bool], within_seconds: float = PATIENCE_SECONDS) -> bool:
    deadline = time.monotonic() + within_seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def children_of(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def runs(pid: int) -> bool:
    """Whether the process is there and is no zombie, which nobody has reaped yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def child_with(word: str, parent: int | None = None) -> int | None:
    for pid in children_of(parent or os.getpid()):
        try:
            if word in Path(f"/proc/{pid}/cmdline").read_text():
                return pid
        except OSError:
            continue
    return None


def the_child(word: str) -> int:
    assert eventually(lambda: child_with(word) is not None)
    pid = child_with(word)
    assert pid is not None
    return pid
