"""One watched folder, as the main process sees it: a child that looks at it, and a thread that listens to the child."""

import logging
import math
import socket
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import assert_never

from pydantic import ValidationError

from leapfrog.intake.folder import trouble
from leapfrog.intake.folder.conversation import (
    CHILD_MESSAGE,
    KNOWN_FILES,
    Alive,
    Begin,
    ChildMessage,
    Cleared,
    Copied,
    Gone,
    Known,
    Looked,
    MainMessage,
    NotCopied,
    Noted,
    Recognised,
    RoomWanted,
    Trouble,
)
from leapfrog.intake.folder.folder_admission import FolderAdmission
from leapfrog.intake.folder.scan import text_of
from leapfrog.mounts import Mount, mount_of
from leapfrog.problem import Problem, Problems
from leapfrog.processes.channel import ChannelClosed, LineChannel
from leapfrog.processes.child_process import ChildProcess
from leapfrog.processes.command_lines import our_program
from leapfrog.state.folder_files import FolderFiles
from leapfrog.worker import Worker

SCANNER_PROGRAM = "leapfrog.intake.folder.scanner"
READY_SECONDS = 1.0  # between two looks whether files may be taken
START_SECONDS = 30.0  # until its first sign of life; a board that boots from an SD card needs several
SILENCE_SECONDS = 20.0  # beyond what the child announced: then the folder does not answer
GLANCE_SECONDS = 2.0  # while it is silent: how often to look whether the folder was mounted again
GIVE_UP_SECONDS = 300.0  # of silence: then another child may have better luck, once this one is gone
REAP_SECONDS = 2.0  # a killed child is gone at once, unless a dead mount holds it in the kernel
SEND_SECONDS = 60.0  # a child that does not read the answer that it waits for
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 5.0  # before another child is started
ENDED_MATTER, SILENT_MATTER = "ended", "silent"

_log = logging.getLogger(__name__)


class WatchedFolder(Worker):
    """Starts the child, answers it, and starts another when it ends. This thread never touches the folder."""

    def __init__(
        self,
        begin: Begin,
        admission: FolderAdmission,
        files: FolderFiles,
        problems: Problems,
        ready: Callable[[], bool],
    ) -> None:
        """Nothing is watched before `start`, nor before it is `ready`."""
        super().__init__("folder-watcher")
        self._begin = begin
        self._admission = admission
        self._files = files
        self._problems = problems
        self._ready = ready
        self._child: ChildProcess | None = None
        self._connection: socket.socket | None = None
        self._channel: LineChannel | None = None
        self._mount: Mount | None = None
        self._heard_at = 0.0  # time.monotonic() of the last message
        self._heard_when = ""  # the same, for people
        self._silent_until = 0.0  # what the child announced
        self._next_start = 0.0
        self._pause = FIRST_PAUSE_SECONDS
        self.ignored = 0
        self.scans = 0

    @property
    def root(self) -> Path:
        """The folder."""
        return self._begin.root

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the folder."""
        return self._problems.current()

    def ask_to_stop(self) -> None:
        """Begin to stop; returns at once."""
        self._stopping.set()
        self._woken.set()
        self._hang_up()

    def stop(self) -> None:
        """Stop. A file that is being copied stays where it is and is taken after the next start."""
        self.ask_to_stop()
        super().stop()
        self._end_child()

    def _hang_up(self) -> None:
        if connection := self._connection:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # the other side was first

    def turn(self) -> float:
        """Answer the child's next message, or start it."""
        if self._channel is None:
            if not self._ready():
                return READY_SECONDS
            if (pause := self._next_start - time.monotonic()) > 0:
                return pause
            self._start_child()
        channel = self._channel
        if channel is None or self._stopping.is_set():
            return 0.0
        try:
            self.beat(math.inf)  # to wait for the child is no sign of death, however long it takes
            line = channel.receive(self._listening_seconds())
            self.beat()
            if line is None:
                self._on_silence()
            else:
                self._on_message(CHILD_MESSAGE.validate_json(line), channel)
        except (ChannelClosed, ValidationError):
            self._on_end()
        return 0.0

    # ------------------------------------------------------------ the child's life

    def _start_child(self) -> None:
        self._mount = mount_of(self.root)
        ours, theirs = socket.socketpair()
        channel = LineChannel(ours)
        try:
            command = our_program(SCANNER_PROGRAM, "--fd", str(theirs.fileno()))
            self._child = ChildProcess("folder scanner", command, theirs, may_log=False)
            self._connection, self._channel = ours, channel
            self._silent_until = time.monotonic() + START_SECONDS
            self._hear()
            known = self._files.within(text_of(self.root))
            for first in range(0, len(known), KNOWN_FILES):
                self._send(channel, Known(files=tuple(known[first : first + KNOWN_FILES])))
            self._send(channel, self._begin)
        except (OSError, ChannelClosed) as problem:
            _log.warning("The program that looks at %s did not start: %s.", self.root, type(problem).__name__)
            channel.close()
            self._on_end()

    def _send(self, channel: LineChannel, message: MainMessage) -> None:
        self.beat(SEND_SECONDS)
        channel.send(message.model_dump_json(), timeout_seconds=SEND_SECONDS)
        self.beat()

    def _on_end(self) -> None:
        """The child ended, or sent nonsense."""
        ended = self._end_child()
        if self._stopping.is_set():
            return
        _log.warning("The program that looks at %s %s; another is started.", self.root, ended)
        what = f"The program that looks at the watched folder {self.root} ended; it is started again and again."
        remedy = "Read the log of the box, and report it to the maker."
        self._problems.add(ENDED_MATTER, what, remedy, for_staff=trouble.FOR_STAFF, cannot_wait=True)
        self._next_start = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def _end_child(self) -> str:
        """Kill the child and reap it. One that a dead mount holds in the kernel is left behind."""
        channel, self._channel, self._connection = self._channel, None, None
        if channel is not None:
            channel.close()
        child, self._child = self._child, None
        self.beat(2 * REAP_SECONDS)
        ended = child.end(REAP_SECONDS) if child else "did not start"
        self._admission.clean_up()
        return ended

    # ------------------------------------------------------------ silence

    def _hear(self) -> None:
        self._heard_at = time.monotonic()
        self._heard_when = datetime.now().astimezone().isoformat(timespec="seconds")

    def _listening_seconds(self) -> float:
        limit = max(self._heard_at, self._silent_until) + SILENCE_SECONDS
        return max(GLANCE_SECONDS, limit - time.monotonic())

    def _on_silence(self) -> None:
        """The folder does not answer. The child is left alone: when the folder answers, it goes on at once. Only where
        something else has been mounted in its place, or nothing at all, does that child look at a folder of the past.
        """
        what, remedy = trouble.silent_trouble(self.root)
        since, for_staff = self._heard_when, trouble.FOR_STAFF
        if self._problems.add(SILENT_MATTER, what, remedy, since=since, for_staff=for_staff, cannot_wait=True):
            _log.warning("%s", what)
        silent_seconds = time.monotonic() - max(self._heard_at, self._silent_until)
        child = self._child
        if child and mount_of(self.root) != self._mount:
            self._end_child()
            self._next_start = 0.0
        elif child and silent_seconds > GIVE_UP_SECONDS:
            child.kill()  # where that helps, its connection ends

    # ------------------------------------------------------------ messages

    def _on_message(self, message: ChildMessage, channel: LineChannel) -> None:
        self._hear()
        self._silent_until = 0.0
        if self._problems.clear(SILENT_MATTER):
            _log.info("The watched folder %s answers again.", self.root)
        if (answer := self._answer(message)) is not None:
            self._send(channel, answer)
            self._hear()

    def _answer(self, message: ChildMessage) -> MainMessage | None:
        match message:
            case Alive():
                self._silent_until = time.monotonic() + message.seconds
            case Looked():
                self._looked(message)
            case RoomWanted():
                return self._admission.make_room(message.byte_count)
            case Copied():
                return self._admission.admit(message)
            case NotCopied():
                self._admission.not_copied(message)
            case Recognised():
                self._files.update(message.files)
            case Gone():
                self._files.forget(message.paths)
            case Trouble():
                matter, what, remedy = message.matter, message.what, message.remedy
                if self._problems.add(matter, what, remedy, for_staff=trouble.FOR_STAFF, cannot_wait=True):
                    _log.warning("%s %s", what, remedy)
            case Cleared():
                self._problems.clear(message.matter)
            case Noted():
                _log.warning("%s", message.text)
            case _:
                assert_never(message)
        return None

    def _looked(self, message: Looked) -> None:
        self.ignored = message.ignored
        self.scans += 1
        self._pause = FIRST_PAUSE_SECONDS
        self._problems.clear(ENDED_MATTER)
