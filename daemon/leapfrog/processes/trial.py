"""Runs trials: child processes that try something once, print the result and end. If native code crashes or hangs,
only the child is lost.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Literal

from leapfrog.errors import EngineError


@dataclass(frozen=True)
class TrialEnd:
    """How a trial ended: by itself, or because it took too long or was stopped. A `status` below 0 means a signal."""

    how: Literal["by itself", "late", "stopped"]
    status: int = 0
    printed: bytes = b""  # on stdout
    stderr: bytes = b""


class Trials:
    """Runs one trial at a time. A trial never outlives the thread that runs it."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._lock = threading.Lock()  # guards the two below
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(
        self, command: Sequence[str], seconds: float, given: bytes = b"", printed: BinaryIO | None = None
    ) -> TrialEnd:
        """Run `command` for at most `seconds`, `given` on its stdin. With `printed`, what it prints goes to that file,
        whatever the size, and what it says on stderr to nobody: it may have been taken over. Raises EngineError when it
        cannot be started.
        """
        with self._lock:
            if self._stopped:
                return TrialEnd("stopped")
            try:
                self._process = process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=printed or subprocess.PIPE,
                    stderr=subprocess.DEVNULL if printed else subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as problem:
                raise EngineError(f"{command[0]} cannot be started: {problem.strerror}.") from problem
        try:
            stdout, stderr = process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.communicate()
            return TrialEnd("late")
        finally:
            with self._lock:
                self._process = None
        return TrialEnd("stopped" if self._stopped else "by itself", process.returncode, stdout or b"", stderr or b"")

    def stop(self) -> None:
        """Kill the trial that is running, and let no other one begin. From any thread."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                _kill(self._process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill `process` and everything it started: what hangs may be a foreign interpreter, which would outlive it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
