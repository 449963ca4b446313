"""The child process that re-encodes originals, as the main process sees it: started on demand, confined, stopped for a
while where others need the processor, and killed when it takes too long.
"""

import logging
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from leapfrog.errors import StorageError
from leapfrog.processes.channel import ChannelClosed, LineChannel
from leapfrog.processes.child_process import ChildProcess
from leapfrog.processes.command_lines import our_program
from leapfrog.processes.messages import ReaderReady
from leapfrog.processes.recoding_messages import RECODER_ANSWER, CompareJob, RecodeJob, RecoderAnswer

PROGRAM = "leapfrog.reader.recoder"
MEMORY_BYTES = 2 << 30  # of its address space: of the largest film three copies, as stored, coded and decoded again
START_SECONDS = 120.0  # it starts with what the processor has left
LOOK_SECONDS = 0.25  # how soon it is stopped when others need the processor, and asked for an answer
CPU_SECONDS = 60.0  # of its own work on one original, and more for a large one
CPU_BYTES_PER_SECOND = 200_000.0  # a tenth of what a slow board does
WALL_SECONDS = 3600.0  # while it was not stopped; it waits for the processor, or for a disk
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NoAnswer:
    """It gave no answer. `how`: it died, took too long, or was ended because nobody wants the answer any more."""

    how: Literal["died", "late", "stopped"]
    detail: str = ""


class RecoderChild:
    """One child, with the two folders that the kernel leaves to it. For one thread, whose child it is."""

    def __init__(self, directory: Path) -> None:
        """Nothing is started before the first job. Its folders are made in `directory`, best on the file system of the
        spool.
        """
        self._directory = directory
        self._desk: Path | None = None
        self._process: ChildProcess | None = None
        self._channel: LineChannel | None = None
        self._is_stopped = False

    @property
    def runs(self) -> bool:
        """Whether there is a child."""
        return self._process is not None

    @property
    def given(self) -> Path:
        """The folder from which it may read. Raises StorageError."""
        return self._folders() / "given"

    @property
    def made(self) -> Path:
        """The folder in which it may write. Raises StorageError."""
        return self._folders() / "made"

    def _folders(self) -> Path:
        if self._desk is None:
            try:
                desk = Path(tempfile.mkdtemp(prefix="recoder-", dir=self._directory))
                for name in ("given", "made"):
                    (desk / name).mkdir()
            except OSError as problem:
                raise StorageError(f"No folder can be made in {self._directory}: {problem.strerror}.") from problem
            self._desk = desk
        return self._desk

    def run(
        self,
        job: RecodeJob | CompareJob,
        byte_count: int,
        *,
        go_on: Callable[[], bool],
        others_wait: Callable[[], bool] = lambda: False,
    ) -> RecoderAnswer | NoAnswer:
        """Have `job`, over files of `byte_count` bytes, done. As long as `others_wait` it is stopped; when it is not to
        `go_on`, it is ended. Whatever goes wrong ends it too. Raises StorageError.
        """
        deadline = CPU_SECONDS + byte_count / CPU_BYTES_PER_SECOND
        try:
            if not self._started(go_on):
                return NoAnswer("stopped") if not go_on() else NoAnswer("died", self.end())
            return self._answer(job, deadline, go_on, others_wait)
        except ChannelClosed:
            return NoAnswer("died", self.end())

    def _answer(
        self,
        job: RecodeJob | CompareJob,
        cpu_seconds: float,
        go_on: Callable[[], bool],
        others_wait: Callable[[], bool],
    ) -> RecoderAnswer | NoAnswer:
        channel, process = self._channel, self._process
        if channel is None or process is None:
            return NoAnswer("died")
        used_before, ran = _cpu_seconds(process.pid), 0.0
        channel.send(job.model_dump_json(), timeout_seconds=START_SECONDS)
        while go_on():
            self._stop(others_wait())
            began = time.monotonic()
            if line := channel.receive(LOOK_SECONDS):
                return _understood(line)
            if self._is_stopped:
                continue
            ran += time.monotonic() - began
            if ran > WALL_SECONDS or _cpu_seconds(process.pid) - used_before > cpu_seconds:
                self.end()
                return NoAnswer("late")
        self.end()
        return NoAnswer("stopped")

    def _started(self, go_on: Callable[[], bool]) -> bool:
        if self._process is not None and self._process.alive:
            return True
        if self._process is not None:
            self.end()
        ours, theirs = socket.socketpair()
        options = ["--fd", str(theirs.fileno()), "--given", str(self.given), "--made", str(self.made)]
        command = our_program(PROGRAM, *options, "--memory", str(MEMORY_BYTES))
        self._channel = LineChannel(ours)
        self._process = ChildProcess("recoder", command, theirs, may_log=False)
        deadline = time.monotonic() + START_SECONDS
        while go_on() and time.monotonic() < deadline:
            if line := self._channel.receive(LOOK_SECONDS):
                return isinstance(_understood(line), ReaderReady)
        self.end()
        return False

    def _stop(self, stopped: bool) -> None:
        """Let it rest, or go on."""
        if self._process is not None and stopped != self._is_stopped:
            os.kill(self._process.pid, signal.SIGSTOP if stopped else signal.SIGCONT)
            self._is_stopped = stopped

    def clear(self) -> None:
        """Leave nothing of a job to the next one."""
        if self._desk is not None:
            for folder in (self._desk / "given", self._desk / "made"):
                with suppress(OSError):
                    for path in folder.iterdir():
                        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def end(self) -> str:
        """End it, if it runs, and take its folders away. Returns how it ended, for messages."""
        if self._channel is not None:
            self._channel.close()
        how = "it was not started"
        if self._process is not None:
            if self._is_stopped:
                self._process.kill()
            how = self._process.end()
        if self._desk is not None:
            shutil.rmtree(self._desk, ignore_errors=True)
        self._process, self._channel, self._desk, self._is_stopped = None, None, None, False
        return how


def _understood(line: bytes) -> RecoderAnswer:
    try:
        return RECODER_ANSWER.validate_json(line)
    except ValidationError as problem:
        _log.error("The program that re-encodes originals sent an invalid message (%d bytes).", len(line))
        raise ChannelClosed from problem


def _cpu_seconds(pid: int) -> float:
    """How long the processor has worked for it, by proc(5); 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS
    except (OSError, IndexError, ValueError):
        return 0.0
