"""The TCP connection to the district server: it copes with slow and dead lines, and can be cut during a transfer."""

import http.client
import io
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from leapfrog.flight import SMALLEST_PIECE_BYTES, Flight
from leapfrog.outbox.pacing.timeouts import Timeouts

# What the kernel may hold of a body that it has not sent at all, so that it is not megabytes when a fast link becomes a
# slow one. `Flight` limits what is on its way altogether.
MOST_UNSENT_BYTES = 16_384
# A line counts as dead when nothing is acknowledged for this long. By default Linux keeps trying for about 15 minutes.
UNACKNOWLEDGED_MILLISECONDS = 60_000
KEEPALIVE_IDLE_SECONDS = 20
KEEPALIVE_INTERVAL_SECONDS = 10
KEEPALIVE_PROBES = 4

SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MOST_UNSENT_BYTES),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MILLISECONDS),
]


@dataclass(frozen=True)
class AnswerBounds:
    """What an answer may take from its first byte awaited to its last: so many seconds and bytes, headers included."""

    seconds: float
    byte_count: int


class AnswerTooLong(Exception):
    """The server sends more than any answer that we could use."""


class _BoundedRaw(io.RawIOBase):
    """The socket's bytes, for one answer. Each read may take only what is left of the whole answer's time: a timeout
    of its own would be renewed by each byte, and one byte each 20 s, or interim answers without end, would never stop.
    """

    def __init__(self, raw: io.RawIOBase, connected: socket.socket, bounds: AnswerBounds) -> None:
        super().__init__()
        self._raw = raw
        self._socket = connected
        self._deadline = time.monotonic() + bounds.seconds
        self._bytes_left = bounds.byte_count

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds_left = self._deadline - time.monotonic()
        if seconds_left <= 0:
            raise TimeoutError("The answer took too long.")
        self._socket.settimeout(seconds_left)
        count = self._raw.readinto(buffer)
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise AnswerTooLong
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class CuttableAdapter(HTTPAdapter):
    """Sends requests over one persistent connection that another thread can cut, with answers that have bounds."""

    def __init__(self, timeouts: Timeouts) -> None:
        """Uses only `timeouts.send_seconds`; the other timeouts are given with each request.

        `bounds` are those of the next answer.
        """
        self.bounds = AnswerBounds(timeouts.answer_seconds, 0)
        self._send_seconds = timeouts.send_seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._flight: Flight | None = None
        self._is_cut = False
        super().__init__(pool_connections=1, pool_maxsize=1)

    def cut(self) -> None:
        """Break off the transfer that is running, and every later one at once. Any thread may call it."""
        with self._lock:
            self._is_cut = True
            self._shut_down()

    def break_off(self) -> None:
        """Break off the transfer that is running, because it takes too long. Any thread may call it."""
        with self._lock:
            self._shut_down()

    def piece_bytes(self) -> int:
        """How much is handed to the connection at a time, so that it is soon sent."""
        return self._flight.piece_bytes if self._flight else SMALLEST_PIECE_BYTES

    def _hold(self, connected: socket.socket) -> None:
        self._flight = Flight(connected)
        with self._lock:
            self._socket = connected
            if self._is_cut:
                self._shut_down()

    def _make_room(self) -> None:
        if self._flight is not None:
            self._flight.make_room(self._send_seconds)

    def _shut_down(self) -> None:
        if self._socket is None:
            return
        try:
            # Not SSLSocket.shutdown, which would remove the TLS session while another thread uses it.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            self._socket = None  # it was already closed

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Called by requests. Makes pools whose connections have our socket options and can be cut."""
        super().init_poolmanager(connections, maxsize, block, socket_options=SOCKET_OPTIONS, **options)
        send_seconds = self._send_seconds
        adapter = self

        class BoundedResponse(http.client.HTTPResponse):
            def __init__(self, connected: socket.socket, *arguments: Any, **named: Any) -> None:
                super().__init__(connected, *arguments, **named)
                raw = self.fp.detach()
                self.fp = io.BufferedReader(_BoundedRaw(raw, connected, adapter.bounds))

        class CuttableConnection(HTTPConnection):
            response_class = BoundedResponse

            def connect(self) -> None:
                super().connect()
                adapter._hold(self.sock)

            def send(self, data: Any) -> None:
                if self.sock is not None:
                    self.sock.settimeout(send_seconds)
                    adapter._make_room()
                super().send(data)

        class CuttableTlsConnection(CuttableConnection, HTTPSConnection):
            pass

        class CuttablePool(HTTPConnectionPool):
            ConnectionCls = CuttableConnection

        class CuttableTlsPool(HTTPSConnectionPool):
            ConnectionCls = CuttableTlsConnection

        self.poolmanager.pool_classes_by_scheme = {"http": CuttablePool, "https": CuttableTlsPool}
