"""Exchanges messages and streamed bytes between the main process and a program that calls others, over a Unix socket.

Each frame is one letter for its kind, its length, and so many bytes. A data set goes as many small frames, each of
which is asked for: the one who sends it on sets the pace, nothing of it waits between the two, and neither ever holds
it all.
"""

import contextlib
import select
import socket
import struct
import threading
import time
from enum import Enum

from leapfrog.processes.channel import ChannelClosed

HEADER = struct.Struct(">cL")
WANTED = struct.Struct(">L")  # the content of a frame of that kind
LONGEST_FRAME_BYTES = 16 * 1024 * 1024  # a report of 50,000 references takes about 9 MB
RECEIVE_BYTES = 65_536
# As little as possible is on its way unseen: what lies here has not been sent yet.
BUFFER_BYTES = 16_384
LARGEST_PIECE_BYTES = 16_384  # of a data set


class FrameKind(Enum):
    """What a frame is: a message, that another piece of a data set is wanted and of how many bytes, such a piece, its
    end, or that its rest will not come.
    """

    MESSAGE = b"M"
    WANTED = b"W"
    PIECE = b"P"
    END = b"E"
    BROKEN_OFF = b"B"


class Frames:
    """One end of the connection. One thread may receive; any may send."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over `connection`, a Unix stream socket."""
        self._connection = connection
        self._buffer = bytearray()
        self._sending = threading.Lock()

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._connection.close()

    def send(self, kind: FrameKind, content: bytes = b"", seconds: float | None = None) -> None:
        """Send a frame. Raises ChannelClosed, also when the other side does not take it within `seconds`."""
        with self._sending:
            try:
                self._connection.settimeout(seconds)
                self._connection.sendall(HEADER.pack(kind.value, len(content)) + content)
            except OSError as problem:
                raise ChannelClosed from problem

    def receive(self, seconds: float | None = None) -> tuple[FrameKind, bytes] | None:
        """The next frame; None if none is whole within `seconds`. Raises ChannelClosed."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while (frame := self._take()) is None:
            remaining = None if deadline is None else deadline - time.monotonic()
            if remaining is not None and remaining <= 0:
                return None
            if not self._receive_some(remaining):
                return None
        return frame

    def _take(self) -> tuple[FrameKind, bytes] | None:
        if len(self._buffer) < HEADER.size:
            return None
        letter, length = HEADER.unpack_from(self._buffer)
        if length > LONGEST_FRAME_BYTES:
            raise ChannelClosed
        end = HEADER.size + length
        if len(self._buffer) < end:
            return None
        content = bytes(self._buffer[HEADER.size : end])
        del self._buffer[:end]
        try:
            return FrameKind(letter), content
        except ValueError as problem:
            raise ChannelClosed from problem

    def _receive_some(self, seconds: float | None) -> bool:
        try:
            # Not settimeout, which another thread may be using to send.
            received = _received(self._connection, seconds)
        except OSError as problem:
            raise ChannelClosed from problem
        if received is None:
            return False
        if not received:
            raise ChannelClosed
        self._buffer += received
        return True


def _received(connection: socket.socket, seconds: float | None) -> bytes | None:
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    if not waiting.poll(None if seconds is None else seconds * 1000):
        return None
    return connection.recv(RECEIVE_BYTES)


def frame_pair() -> tuple[socket.socket, socket.socket]:
    """Two connected sockets, for the main process and for its child, that hold as little as possible."""
    ours, theirs = socket.socketpair()
    for side in (ours, theirs):
        side.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    return ours, theirs
