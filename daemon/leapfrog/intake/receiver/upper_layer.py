"""PDUs over a connection (PS3.8 Section 9.3), read piece by piece and with deadlines."""

import contextlib
import math
import select
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from leapfrog.errors import LeapfrogError
from leapfrog.intake.receiver.progress import NoProgress, Progress

BUFFER_BYTES = 256 * 1024
LINGER_SECONDS = 1.0
TIMEOUT_STEP_SECONDS = 0.125
PDU_HEADER = struct.Struct(">BxL")
VALUE_HEADER = struct.Struct(">LBB")  # length, presentation context id, message control header (PS3.8 Annex E.2)
IS_COMMAND = 0x01
IS_LAST = 0x02
SMALLEST_PDU_BYTES = 1024  # what a peer may allow at least; no real one allows less than 4 KiB


class PduType(IntEnum):
    """PS3.8 Table 9-11 and the tables after it."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    P_DATA_TF = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


class AbortReason(IntEnum):
    """PS3.8 Table 9-26, for an abort by the service provider."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    INVALID_PARAMETER_VALUE = 6


class PeerGone(LeapfrogError):
    """The peer closed the connection, or does not take what is sent to it."""


class ProtocolViolation(LeapfrogError):
    """The peer sent something that the protocol does not allow here. The association is aborted with `reason`."""

    def __init__(self, reason: AbortReason) -> None:
        """`reason` tells the peer why."""
        super().__init__(f"The peer broke the protocol: {reason.name.lower().replace('_', ' ')}.")
        self.reason = reason


@dataclass(frozen=True)
class Rejection:
    """Why an association is rejected (PS3.8 Table 9-21)."""

    result: int
    source: int
    reason: int
    sentence: str


class PduStream:
    """Reads and writes PDUs on a connected socket. One thread uses it."""

    def __init__(self, connection: socket.socket, progress: Progress) -> None:
        """Read from and write to `connection`; closing it is left to the caller. `progress` says how long the peer is
        waited for.
        """
        self._connection = connection
        self.progress = progress
        self._view = memoryview(bytearray(BUFFER_BYTES))
        self._start = 0
        self._end = 0
        self._timeout = connection.gettimeout()

    @property
    def received_any(self) -> bool:
        """Whether the peer has sent anything."""
        return self._end > 0

    def next_pdu(self) -> tuple[int, int]:
        """Type and length in bytes of the next PDU. Raises PeerGone and NoProgress, as all that read do."""
        pdu_type, length = PDU_HEADER.unpack(self.read(PDU_HEADER.size))
        return pdu_type, length

    def read(self, count: int) -> bytes:
        """The next `count` bytes."""
        if self._end - self._start >= count:
            self._start += count
            return bytes(self._view[self._start - count : self._start])
        collected = bytearray()
        for piece in self.pieces(count):
            collected += piece
        return bytes(collected)

    def pieces(self, count: int) -> Iterator[memoryview]:
        """The next `count` bytes as they arrive; each piece is valid until the next is asked for."""
        while count:
            if self._start == self._end:
                self._receive()
            piece = self._view[self._start : min(self._end, self._start + count)]
            self._start += len(piece)
            count -= len(piece)
            yield piece

    def has_more(self, seconds: float) -> bool:
        """Whether the peer has sent something, or has gone, at the latest after `seconds`. Reads nothing."""
        if self._start < self._end:
            return True
        if isinstance(self._connection, ssl.SSLSocket) and self._connection.pending():
            return True
        waiting = select.poll()  # select(2) cannot watch descriptors from 1024 on
        waiting.register(self._connection, select.POLLIN)
        return bool(waiting.poll(seconds * 1000))

    def _receive(self) -> None:
        remaining = self.progress.seconds_left()
        try:
            self._wait_at_most(remaining)
            received = self._connection.recv_into(self._view)
        except TimeoutError as problem:
            raise NoProgress from problem
        except (OSError, ValueError) as problem:  # ValueError: a TLS connection that another thread has shut down
            raise PeerGone("The connection broke.") from problem
        if not received:
            raise PeerGone("The peer closed the connection.")
        self._start, self._end = 0, received

    def _wait_at_most(self, seconds: float) -> None:
        """Rounded up, since each change costs a call of the system, and a peer that sends has its whole time each time
        that it is waited for.
        """
        rounded = math.ceil(seconds / TIMEOUT_STEP_SECONDS) * TIMEOUT_STEP_SECONDS
        if rounded != self._timeout:
            self._connection.settimeout(rounded)
            self._timeout = rounded

    def send(self, pdu: bytes, seconds: float) -> None:
        """Send one encoded PDU. Raises PeerGone when that takes longer than `seconds`."""
        try:
            self._wait_at_most(seconds)
            self._connection.sendall(pdu)
        except (OSError, ValueError) as problem:
            raise PeerGone("The connection broke, or the peer does not accept what is sent to it.") from problem

    def end_with(self, pdu: bytes) -> None:
        """Send the last PDU, if there is one, and wait until the peer has had time to read it. Closing the connection
        at once, with bytes from the peer still unread, could make the PDU vanish. Never raises.
        """
        deadline = time.monotonic() + LINGER_SECONDS
        with contextlib.suppress(OSError, ValueError, PeerGone):
            if pdu:
                self.send(pdu, LINGER_SECONDS)
            socket.socket.shutdown(self._connection, socket.SHUT_WR)
            while (remaining := deadline - time.monotonic()) > 0:
                self._wait_at_most(remaining)
                if not self._connection.recv_into(self._view):
                    return


def reject_pdu(rejection: Rejection) -> bytes:
    """A-ASSOCIATE-RJ (PS3.8 Table 9-21)."""
    return struct.pack(">BxLxBBB", PduType.ASSOCIATE_RJ, 4, rejection.result, rejection.source, rejection.reason)


def abort_pdu(reason: AbortReason) -> bytes:
    """A-ABORT by the service provider (PS3.8 Table 9-26)."""
    return struct.pack(">BxLxxBB", PduType.ABORT, 4, 2, reason)


def release_response_pdu() -> bytes:
    """A-RELEASE-RP (PS3.8 Table 9-25)."""
    return struct.pack(">BxL4x", PduType.RELEASE_RP, 4)


def command_pdu(context_id: int, encoded_command: bytes) -> bytes:
    """P-DATA-TF with a whole command set in one presentation data value (PS3.8 Annex E.2)."""
    value = VALUE_HEADER.pack(len(encoded_command) + 2, context_id, IS_COMMAND | IS_LAST) + encoded_command
    return PDU_HEADER.pack(PduType.P_DATA_TF, len(value)) + value


def data_pdus(context_id: int, data_set: bytes, maximum_bytes: int) -> Iterator[bytes]:
    """P-DATA-TF PDUs with a whole data set, none longer than the peer takes; 0 for any length."""
    longest = max(min(maximum_bytes or BUFFER_BYTES, BUFFER_BYTES), SMALLEST_PDU_BYTES)
    fragment_bytes = (longest - VALUE_HEADER.size) & ~1  # fragments are even (PS3.8 Annex E)
    for start in range(0, len(data_set), fragment_bytes):
        fragment = data_set[start : start + fragment_bytes]
        control = IS_LAST if start + fragment_bytes >= len(data_set) else 0
        value = VALUE_HEADER.pack(len(fragment) + 2, context_id, control) + fragment
        yield PDU_HEADER.pack(PduType.P_DATA_TF, len(value)) + value
