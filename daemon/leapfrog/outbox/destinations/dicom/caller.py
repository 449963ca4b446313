"""The program that speaks to one archive, as the main process sees it: started when there is something to say, killed
when it is silent for too long.
"""

import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Never

from pydantic import ValidationError

from leapfrog.errors import LeapfrogError, StorageError
from leapfrog.processes.call_messages import (
    ANSWER,
    Answer,
    Answered,
    Close,
    Commit,
    Echo,
    Failed,
    FailureKind,
    Find,
    Found,
    Noted,
    Open,
    Opened,
    Patience,
    Report,
    Request,
    Store,
)
from leapfrog.processes.channel import ChannelClosed
from leapfrog.processes.child_process import ChildProcess
from leapfrog.processes.command_lines import our_program
from leapfrog.processes.frames import LARGEST_PIECE_BYTES, WANTED, FrameKind, Frames, frame_pair

PROGRAM = "leapfrog.dimse.store"
# The program itself ends what takes too long. It is waited for longer: for its start on a slow box, for three addresses
# of one name, and for what is on its way in the kernel's buffers, which needs minutes on the slowest link.
START_SECONDS = 60.0
MOST_ADDRESSES = 3
BUFFERED_SECONDS = 300.0
BEAT_SECONDS = 30.0  # between two signs of life of who waits
NOTED_SECONDS = 10.0


@dataclass(frozen=True)
class Slack:
    """How much longer than an archive the program is waited for."""

    start_seconds: float = START_SECONDS
    buffered_seconds: float = BUFFERED_SECONDS


class CallFailed(LeapfrogError):
    """The archive did not do what it was asked; `failed` says what happened."""

    def __init__(self, failed: Failed) -> None:
        """The sentence for people is made by who knows what was asked (`trouble.py`)."""
        super().__init__(f"The call failed: {failed.what}.")
        self.failed = failed


class ArchiveCaller:
    """One program, and at most one association. For one thread; only `cut` may be called from another."""

    def __init__(
        self,
        name: str,
        progress: Callable[[], None],
        take_report: Callable[[Report], bool] | None = None,
        slack: Slack | None = None,
    ) -> None:
        """`progress` is called whenever something is waited for; a LeapfrogError that it raises ends the transfer.
        `take_report` returns whether a report of storage commitment was taken durably.
        """
        self._name = name
        self._progress = progress
        self._take_report = take_report or (lambda _report: False)
        self._lock = threading.Lock()  # guards the two below
        self._child: ChildProcess | None = None
        self._is_cut = False
        self._frames: Frames | None = None
        self._is_wanted = False  # another piece of a data set
        self.piece_bytes = LARGEST_PIECE_BYTES  # how much the link takes well at a time
        self._patience = Patience()
        self._slack = slack or Slack()

    # ------------------------------------------------------------ services

    def open(self, request: Open) -> Opened:
        """See to an association. Raises CallFailed, as all of these do."""
        self._patience = patience = request.archive.patience
        seconds = self._slack.start_seconds + MOST_ADDRESSES * patience.connect_seconds + patience.associate_seconds
        was_running = self.is_running
        try:
            answer = self._ask(request, seconds)
        except CallFailed:
            if not was_running or self._frames is not None:
                raise
            answer = self._ask(request, seconds)  # the program ended while there was nothing to do
        return answer if isinstance(answer, Opened) else self._fail("wrong_answer")

    def store(self, store: Store, pieces: Iterable[bytes]) -> int:
        """C-STORE of the data set that consists of `pieces`. Returns the status. Raises also what `pieces` raises, of
        which the archive then gets no whole one.
        """
        self._send(FrameKind.MESSAGE, store.model_dump_json().encode())
        try:
            one_by_one = iter(pieces)
            while (early := self._until_wanted()) is None:
                piece = next(one_by_one, None)
                if piece is None:
                    break
                self._send(FrameKind.PIECE, piece)
        except (StorageError, LeapfrogError, OSError) as problem:
            if not isinstance(problem, CallFailed):
                self._end()  # the program holds an association in the middle of a message
            raise
        if early is not None:
            return early.status
        self._send(FrameKind.END)
        return self._answered(self._answer_seconds)

    def echo(self) -> int:
        """C-ECHO. Returns the status."""
        answer = self._ask(Echo(), self._answer_seconds)
        return answer.status if isinstance(answer, Answered) else self._fail("wrong_answer")

    def find(self, find: Find) -> bool | None:
        """Whether it says that it holds an instance; None if it does not let itself be asked."""
        answer = self._ask(find, self._answer_seconds)
        return answer.held if isinstance(answer, Found) else self._fail("wrong_answer")

    def commit(self, commit: Commit) -> int:
        """N-ACTION of storage commitment. Returns the status. A report may come at once: see `wait_for_reports`."""
        answer = self._ask(commit, self._answer_seconds)
        return answer.status if isinstance(answer, Answered) else self._fail("wrong_answer")

    def wait_for_reports(self, seconds: float) -> bool:
        """Take what reports come on this association. Returns whether one came."""
        answer = self._receive(seconds)
        return isinstance(answer, Report)

    def release(self) -> None:
        """Release the association, if there is one."""
        if self._frames is not None:
            self._send(FrameKind.MESSAGE, Close().model_dump_json().encode())

    # ------------------------------------------------------------ its life

    def cut(self) -> None:
        """Break off what is going on, and start nothing more. Any thread may call it."""
        with self._lock:
            self._is_cut = True
            if self._child is not None:
                self._child.kill()

    def break_off(self) -> None:
        """Break off what is running; others may follow. Any thread may call it."""
        with self._lock:
            if self._child is not None:
                self._child.kill()

    def close(self) -> None:
        """End the program. Ours is the connection that it waits for, so that it releases its association first."""
        self._end()

    @property
    def is_running(self) -> bool:
        """Whether the program runs."""
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return self._child.pid if self._child is not None else None

    def _start(self) -> None:
        ours, theirs = frame_pair()
        command = our_program(PROGRAM, "--fd", str(theirs.fileno()))
        with self._lock:
            if self._is_cut:
                ours.close()
                theirs.close()
                raise CallFailed(Failed(what="broken"))
            self._child = ChildProcess(f"caller of {self._name}", command, theirs, may_log=False)
        self._frames = Frames(ours)

    def _end(self) -> None:
        frames, self._frames = self._frames, None
        if frames is not None:
            frames.close()
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.end()

    def _fail(self, what: FailureKind) -> Never:
        """The program is not to be trusted any more, or is gone."""
        self._end()
        raise CallFailed(Failed(what=what))

    # ------------------------------------------------------------ frames

    @property
    def _answer_seconds(self) -> float:
        return self._patience.answer_seconds + self._slack.buffered_seconds

    def _ask(self, request: Request, seconds: float) -> Answer:
        if isinstance(request, Open) and not self.is_running:
            self._end()
            self._start()
        self._send(FrameKind.MESSAGE, request.model_dump_json().encode())
        return self._await(seconds)

    def _answered(self, seconds: float) -> int:
        answer = self._await(seconds)
        return answer.status if isinstance(answer, Answered) else self._fail("wrong_answer")

    def _await(self, seconds: float) -> Answer:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._progress()
            answer = self._receive(min(left, BEAT_SECONDS))
            if answer is not None and not isinstance(answer, Report):
                return answer
        return self._fail("silent")

    def _until_wanted(self) -> Answered | None:
        """Wait until the link takes another piece. Returns the answer if that comes before the end."""
        self._is_wanted = False
        deadline = time.monotonic() + self._patience.still_seconds + self._slack.start_seconds
        while (left := deadline - time.monotonic()) > 0:
            self._progress()
            answer = self._receive(min(left, BEAT_SECONDS))
            if isinstance(answer, Answered):
                return answer
            if self._is_wanted:
                return None
        return self._fail("silent")

    def _send(self, kind: FrameKind, content: bytes = b"") -> None:
        if self._frames is None:
            raise CallFailed(Failed(what="broken"))
        try:
            self._frames.send(kind, content, self._patience.still_seconds + self._slack.start_seconds)
        except ChannelClosed:
            self._fail("silent" if self.is_running else "broken")

    def _receive(self, seconds: float) -> Answer | None:
        """What the program says; a report is taken on the way. Raises CallFailed for a failure."""
        if self._frames is None:
            raise CallFailed(Failed(what="broken"))
        try:
            frame = self._frames.receive(seconds)
            if frame is not None and frame[0] is FrameKind.WANTED:
                (self.piece_bytes,) = WANTED.unpack(frame[1])
                self._is_wanted = True
                return None
            answer = None if frame is None else ANSWER.validate_json(frame[1])
        except (ChannelClosed, ValidationError, struct.error):
            self._fail("broken")
        if isinstance(answer, Report):
            taken = self._take_report(answer)
            self._send(FrameKind.MESSAGE, Noted(taken=taken).model_dump_json().encode())
        elif isinstance(answer, Failed):
            raise CallFailed(answer)
        return answer
