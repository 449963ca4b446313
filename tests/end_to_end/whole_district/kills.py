"""kill -9 in the midst of things, and what was killed when."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.002


@dataclass(frozen=True)
class Kill:
    """What was killed, and what it was in the midst of."""

    what: str
    midst: str


def run_and_kill(command: Sequence[str], is_in_the_midst: Callable[[int], bool]) -> None:
    """Start a program and kill it as soon as that is so, by its process id; one that enters another machine is killed
    there. Raises AssertionError when it ends before.
    """
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert program.stdout is not None
    try:
        while not is_in_the_midst(program.pid):
            if program.poll() is not None:
                said = program.stdout.read().decode(errors="replace")
                raise AssertionError(f"{command[-4:]} ended with {program.returncode} before it was killed:\n{said}")
            time.sleep(POLL_SECONDS)
    finally:
        if program.poll() is None:
            for pid in (*_children(program.pid), program.pid):
                os.kill(pid, signal.SIGKILL)
        program.wait()
        program.stdout.close()


def waits_for_an_answer(pid: int) -> bool:
    """Whether a process has a connection, and sleeps."""
    try:
        files = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state == "S" and any(file.startswith("socket:") for file in files)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
