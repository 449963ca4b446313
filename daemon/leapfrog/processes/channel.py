"""Exchanges lines of text and open file descriptors between a lane and its reader, over a Unix socket."""

import socket
import time
from collections import deque

LONGEST_LINE = 64 * 1024 * 1024  # bytes; a report of 1,000 images takes about 4 MB
MOST_DESCRIPTORS = 16  # received and not taken: a reader that was taken over must not use up those of the daemon
READER_NOTE = "leapfrog-reader: "  # the prefix of lines that a reader writes to stderr for the daemon's log
RECEIVE_BYTES = 256 * 1024


class ChannelClosed(Exception):
    """The other side is gone, or sends something that is not lines, or more descriptors than it may."""


class LineChannel:
    """One end of the connection. Not for several threads at once."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over `connection`, a Unix stream socket."""
        self._connection = connection
        self._buffer = bytearray()
        self._searched = 0
        self._descriptors: deque[int] = deque()

    def fileno(self) -> int:
        """The connection's descriptor, for select."""
        return self._connection.fileno()

    def close(self) -> None:
        """Close the connection, and any received descriptors that were not taken."""
        self._connection.close()
        while self._descriptors:
            socket.close(self._descriptors.popleft())

    def send(self, line: str, descriptor: int | None = None, timeout_seconds: float | None = None) -> None:
        """Send a line and, with it, a copy of an open descriptor. Raises ChannelClosed, also when it takes too long."""
        content = line.encode() + b"\n"
        self._connection.settimeout(timeout_seconds)
        try:
            if descriptor is not None:
                sent = socket.send_fds(self._connection, [content], [descriptor])
                content = content[sent:]
            self._connection.sendall(content)
        except OSError as problem:
            raise ChannelClosed from problem

    def receive(self, timeout_seconds: float | None = None) -> bytes | None:
        """The next line without its newline; None if none is whole in time, however much of it comes. A timeout of 0
        does not wait, and looks once at what is there. Raises ChannelClosed.
        """
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        remaining = timeout_seconds
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if (remaining is not None and remaining < 0) or not self._receive_some(remaining):
                return None
            remaining = None if deadline is None else deadline - time.monotonic()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def _receive_some(self, timeout_seconds: float | None) -> bool:
        self._connection.settimeout(timeout_seconds)
        try:
            content, descriptors, _, _ = socket.recv_fds(self._connection, RECEIVE_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError as problem:
            raise ChannelClosed from problem
        self._descriptors.extend(descriptors)
        if not content or len(self._buffer) + len(content) > LONGEST_LINE or len(self._descriptors) > MOST_DESCRIPTORS:
            raise ChannelClosed
        self._buffer += content
        return True

    def take_descriptor(self) -> int:
        """The oldest received descriptor that was not taken yet. Raises ChannelClosed when there is none."""
        if not self._descriptors:
            raise ChannelClosed
        return self._descriptors.popleft()
