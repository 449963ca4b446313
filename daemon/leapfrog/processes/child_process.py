"""A child process: started by exec, with its stderr drained into the log, then killed and reaped.

The daemon's lanes start their children with it, and `engine/standalone.py` an engine host without a lane.
"""

import logging
import os
import re
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from leapfrog.processes import heap
from leapfrog.processes.channel import READER_NOTE

PATIENCE_SECONDS = 0.2  # for a child that has closed its connection and is about to end by itself
LONGEST_LOGGED = 300  # characters of one line
REAP_SECONDS = 10.0  # a killed process is gone at once unless a driver holds it
# The lines of a reader that may be logged: its notes, and Python's report of a crash (files and functions, no values).
# Anything else that it prints may contain patient data.
SAFE_READER_LINE = re.compile(r'^(Fatal Python error: |Current thread |Thread 0x|  File "|Extension )')

_log = logging.getLogger(__name__)


class ChildProcess:
    """A running child. Start it from a thread that lives as long as the child should: with PR_SET_PDEATHSIG the kernel
    kills a child when the thread that started it ends (prctl(2)).
    """

    def __init__(self, name: str, command: Sequence[str | Path], connection: socket.socket, may_log: bool) -> None:
        """Start `command` with `connection` kept open in it, and close it here.

        `may_log` is false for a child that handles patient data. Raises OSError when the command cannot be started.
        """
        self.name = name
        self.signal: int | None = None  # the signal that ended it, unless we did; known after `end`
        self._may_log = may_log
        with connection:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[connection.fileno()],
                env=_environment(),
                start_new_session=_has_terminal(),
            )
        threading.Thread(target=self._drain, name=f"{name}-stderr", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it is still running. If it has ended, it is reaped."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill it now, without waiting. From any thread."""
        self._process.kill()

    def end(self, reap_seconds: float = REAP_SECONDS) -> str:
        """Kill and reap it. Returns how it ended, for messages. A process that a driver or a dead mount holds in the
        kernel for longer than `reap_seconds` is left behind.
        """
        try:
            self._process.wait(PATIENCE_SECONDS)
            ended_by_itself = True
        except subprocess.TimeoutExpired:
            ended_by_itself = False
        self._process.kill()
        try:
            status = self._process.wait(reap_seconds)
        except subprocess.TimeoutExpired:
            _log.error("%s (process %d) is held in the kernel and did not end.", self.name, self.pid)
            return "held in the kernel"
        if not ended_by_itself:
            return "killed"
        self.signal = -status if status < 0 else None
        return f"ended by signal {-status}" if status < 0 else f"ended with status {status}"

    def _drain(self) -> None:
        stream = self._process.stderr
        if stream is None:
            return
        withheld = 0
        with stream:
            while raw := stream.readline(LONGEST_LOGGED * 4):
                line = "".join(
                    letter if letter.isprintable() else " " for letter in raw.decode("utf-8", "replace").rstrip()
                )[:LONGEST_LOGGED]
                if line.startswith(READER_NOTE):
                    _log.warning("%s", line)
                elif self._may_log or SAFE_READER_LINE.match(line):
                    _log.debug("%s: %s", self.name, line)
                else:
                    withheld += 1
        if withheld:
            _log.debug("%s: output not logged because it may contain patient data (lines: %d).", self.name, withheld)


def _has_terminal() -> bool:
    """Whether somebody started us in a terminal. A child is kept from it by a session of its own; without a terminal it
    stays in ours, and whoever kills a trial's group kills it too.
    """
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _environment() -> dict[str, str]:
    """One thread per library that would start many (typst's are rayon's), and a heap that keeps little: a lane should
    use one core, and memory is limited.
    """
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
    return os.environ | one_thread | dict(heap.OF_CHILDREN)
