"""Sends instances to a DICOM archive for the main process, which it obeys over the descriptor --fd: C-STORE, and
C-ECHO, C-FIND and storage commitment beside it.

It lives as long as there is something to send, ends with its parent, and knows nothing but what it is told: neither
journal nor spool. What passes through it is never logged.
"""

import argparse
import logging
import queue
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress

from pydantic import ValidationError
from pynetdicom import _config

from leapfrog.dimse.archive_line import ArchiveLine
from leapfrog.dimse.failure import CallFailed
from leapfrog.processes.call_messages import (
    REQUEST,
    Answer,
    Close,
    Commit,
    Echo,
    Find,
    Noted,
    Open,
    Report,
    Request,
    Store,
)
from leapfrog.processes.channel import ChannelClosed
from leapfrog.processes.frames import LARGEST_PIECE_BYTES, WANTED, FrameKind, Frames
from leapfrog.processes.parent import end_with_parent

IDLE_PROGRAM_SECONDS = 60.0  # after which this program ends, which holds 90 MB; the next instance starts it again
MOST_MEMORY_BYTES = 384 << 20  # whatever an archive sends; it needs a third of that
NOTE_SECONDS = 30.0  # within which the main process takes a report


class _BrokenOff(Exception):
    """The rest of a data set will not come."""


class Caller:
    """Does what the main process asks for, one thing after the other."""

    def __init__(self, frames: Frames) -> None:
        """Nothing is open yet."""
        self._frames = frames
        self._noted: queue.Queue[bool] = queue.Queue()
        self._line = ArchiveLine(self._pass_on)

    def serve(self) -> None:
        """Until the main process closes the connection, or needs nothing for long."""
        with suppress(ChannelClosed):
            while True:
                is_open = self._line.is_open
                frame = self._frames.receive(self._line.idle_seconds if is_open else IDLE_PROGRAM_SECONDS)
                if frame is None and not is_open:
                    return
                if frame is None:
                    self._line.release()
                elif frame[0] is FrameKind.MESSAGE:  # else the rest of a data set that nobody waits for any more
                    self._obey(REQUEST.validate_json(frame[1]))
        self._line.release()

    def _obey(self, request: Request) -> None:
        if isinstance(request, Noted):
            self._noted.put(request.taken)
        elif isinstance(request, Close):
            self._line.release()
        else:
            try:
                self._answer(self._made(request))
            except CallFailed as problem:
                self._answer(problem.failed)
            except _BrokenOff:
                pass  # the main process knows

    def _made(self, request: Open | Store | Find | Echo | Commit) -> Answer:
        if isinstance(request, Open):
            return self._line.open(request)
        if isinstance(request, Store):
            return self._line.store(request, self._pieces())
        if isinstance(request, Find):
            return self._line.find(request)
        if isinstance(request, Commit):
            return self._line.commit(request)
        return self._line.echo()

    def _pieces(self) -> Iterator[bytes]:
        while True:
            self._frames.send(FrameKind.WANTED, WANTED.pack(LARGEST_PIECE_BYTES))
            frame = self._frames.receive()
            if frame is None or frame[0] is FrameKind.BROKEN_OFF:
                raise _BrokenOff
            if frame[0] is FrameKind.END:
                return
            if frame[0] is FrameKind.PIECE:
                yield frame[1]

    def _answer(self, answer: Answer) -> None:
        self._frames.send(FrameKind.MESSAGE, answer.model_dump_json().encode())

    def _pass_on(self, report: Report) -> bool:
        """Called by the association's own thread."""
        try:
            self._answer(report)
            return self._noted.get(timeout=NOTE_SECONDS)
        except (ChannelClosed, queue.Empty):
            return False


def main(arguments: list[str]) -> None:
    """Serve the main process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True, help="the connection with the main process")
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args(arguments)
    end_with_parent(options.parent)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    _log_nothing()
    with suppress(ValidationError):  # another version of this program: there is nothing to talk about
        Caller(Frames(socket.socket(fileno=options.fd))).serve()


def _log_nothing() -> None:
    """pynetdicom would print identifiers of patients, and so would pydicom's warnings."""
    for name in ("pynetdicom", "pydicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False


if __name__ == "__main__":
    main(sys.argv[1:])
