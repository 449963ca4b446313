"""The disk of the reports, as the main process sees it: every touch of it is a job for the publishing program.

A share that hangs, hangs that program. It is given up, and left to the kernel where a kill does not end it; the next
job starts another. The main process itself never waits for that disk.
"""

import logging
import socket
import time
from collections.abc import Callable

from leapfrog.processes.channel import ChannelClosed, LineChannel
from leapfrog.processes.child_process import ChildProcess
from leapfrog.processes.command_lines import our_program
from leapfrog.worklist.disk_jobs import DiskAnswer, DiskJob

PROGRAM = "leapfrog.worklist.publishing_program"
GLANCE_SECONDS = 0.25  # how often a wait looks whether the main process stops
SILENCE_SECONDS = 5.0  # without a sign of life, after which people are told; a busy disk needs moments
GIVE_UP_SECONDS = 60.0  # a program that was silent for this long is replaced: the share may have come back elsewhere
LEFT_BEHIND_LIMIT = 3  # programs that the kernel holds; with so many, none is started until one is gone
KILL_SECONDS = 1.0

NO_ANSWER = DiskAnswer(condition="no_answer")

_log = logging.getLogger(__name__)


class ReportsDisk:
    """Does one job after another. For one thread, which must live as long as the program may be needed."""

    def __init__(self, on_silence: Callable[[], None]) -> None:
        """`on_silence` is called when the disk does not answer; the job may still come to its end."""
        self._on_silence = on_silence
        self._child: ChildProcess | None = None
        self._channel: LineChannel | None = None
        self._left_behind: list[ChildProcess] = []

    def do(self, job: DiskJob, patience: Callable[[], float]) -> DiskAnswer:
        """Do `job`. `patience` is asked again and again how many silent seconds are worth waiting for."""
        try:
            channel = self._ready_channel()
            if channel is None:
                return NO_ANSWER
            channel.send(job.line(), timeout_seconds=GLANCE_SECONDS)
            answer = self._answer(channel, patience)
        except (ChannelClosed, OSError) as problem:
            self.close()
            return DiskAnswer(condition="failing", detail=f"the publishing program ended ({type(problem).__name__})")
        if answer is None:
            self.close()
            return NO_ANSWER
        return answer

    def close(self) -> None:
        """End the program, or leave it to the kernel. Waits a second at most."""
        child, channel = self._child, self._channel
        self._child, self._channel = None, None
        if channel is not None:
            channel.close()
        if child is None:
            return
        child.kill()
        deadline = time.monotonic() + KILL_SECONDS
        while child.alive:
            if time.monotonic() > deadline:
                _log.warning("The publishing program (process %d) is held by the disk of the reports.", child.pid)
                self._left_behind.append(child)
                return
            time.sleep(0.01)

    def _ready_channel(self) -> LineChannel | None:
        """The channel to the program, which is started if none runs; None while the kernel holds too many."""
        if self._channel is not None and self._child is not None and self._child.alive:
            return self._channel
        self.close()
        self._left_behind = [child for child in self._left_behind if child.alive]
        if len(self._left_behind) >= LEFT_BEHIND_LIMIT:
            self._on_silence()
            return None
        ours, theirs = socket.socketpair()
        self._channel = LineChannel(ours)
        command = our_program(PROGRAM, "--fd", str(theirs.fileno()))
        self._child = ChildProcess("publishing program", command, theirs, may_log=False)
        return self._channel

    def _answer(self, channel: LineChannel, patience: Callable[[], float]) -> DiskAnswer | None:
        """The answer; None when it was not worth waiting for any longer."""
        heard = time.monotonic()
        told = False
        while (silent := time.monotonic() - heard) < patience():
            line = channel.receive(GLANCE_SECONDS)
            if line:
                return DiskAnswer.of(line)
            if line is not None:
                heard = time.monotonic()
            elif silent > SILENCE_SECONDS and not told:
                told = True
                self._on_silence()
        return None
