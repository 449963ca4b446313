"""A child process that tries something once, prints what came of it and ends: native code may crash or hang there."""

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from leapfrog.errors import EngineError


@dataclass(frozen=True)
class TrialEnd:
    """How a trial ended: by itself, or because it took too long or was stopped. `status` is below 0 for a signal."""

    how: Literal["by itself", "late", "stopped"]
    status: int = 0
    printed: bytes = b""
    complained: bytes = b""  # on stderr


class Trials:
    """Runs trials one at a time. A trial ends with the thread that runs it, at the latest."""

    def __init__(self) -> None:
        """Nothing is tried yet."""
        self._lock = threading.Lock()  # guards the two below
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(self, command: Sequence[str], seconds: float) -> TrialEnd:
        """Run `command` to its end, but for no longer than that. Raises EngineError when it cannot be started."""
        with self._lock:
            if self._stopped:
                return TrialEnd("stopped")
            try:
                self._process = process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as problem:
                raise EngineError(f"{command[0]} cannot be started: {problem.strerror}.") from problem
        try:
            printed, complained = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.communicate()
            return TrialEnd("late")
        finally:
            with self._lock:
                self._process = None
        return TrialEnd("stopped" if self._stopped else "by itself", process.returncode, printed, complained)

    def stop(self) -> None:
        """End the trial that is going on, and every later one before it begins. From any thread."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                _kill(self._process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With all that it started: what hangs may be another's interpreter, which does not end with its parent."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
