"""The TCP side of the link to the district server: thin lines, dead lines, and a stop in the middle of a transfer."""

import socket
import threading
from dataclasses import dataclass
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

# What the kernel holds unsent must drain within Timeouts.answer_seconds also on a line of 1 kB/s. Left to itself Linux
# lets it grow up to 4 MB (on a line of 50 kB/s 0.9 MB were measured, 18 s in which the server seems not to answer; with
# this 3.5 s). It doubles the number given.
SEND_BUFFER_BYTES = 131_072
# A line on which nothing is acknowledged for so long is dead. Without this Linux tries for about 15 minutes.
UNACKNOWLEDGED_MILLISECONDS = 60_000
KEEPALIVE_IDLE_SECONDS = 20
KEEPALIVE_INTERVAL_SECONDS = 10
KEEPALIVE_PROBES = 4

SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MILLISECONDS),
]


@dataclass(frozen=True)
class Timeouts:
    """How long to wait for the far side."""

    connect_seconds: float = 10.0  # for each of its addresses
    send_seconds: float = 40.0  # for the network to take one chunk of a body
    query_seconds: float = 60.0  # for the answer to a question
    answer_seconds: float = 300.0  # for the answer to an instance, which the server may first have to store


class CuttableAdapter(HTTPAdapter):
    """Carries requests over one kept connection that another thread can cut."""

    def __init__(self, timeouts: Timeouts) -> None:
        """Of `timeouts` only `send_seconds` matters here; the others go with each request."""
        self._send_seconds = timeouts.send_seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False
        super().__init__(pool_connections=1, pool_maxsize=1)

    def cut(self) -> None:
        """End the transfer that is under way, and every later one, at once. Any thread may call it."""
        with self._lock:
            self._is_cut = True
            self._shut_down()

    def _hold(self, connected: socket.socket) -> None:
        with self._lock:
            self._socket = connected
            if self._is_cut:
                self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is None:
            return
        try:
            # Not SSLSocket.shutdown: that takes the session away under the thread that uses it.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            self._socket = None  # it was closed already

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Called by requests: pools whose connections have our socket options and can be cut."""
        super().init_poolmanager(connections, maxsize, block, socket_options=SOCKET_OPTIONS, **options)
        hold, send_seconds = self._hold, self._send_seconds

        class CuttableConnection(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                hold(self.sock)

            def send(self, data: Any) -> None:
                if self.sock is not None:
                    self.sock.settimeout(send_seconds)
                super().send(data)

        class CuttableTlsConnection(CuttableConnection, HTTPSConnection):
            pass

        class CuttablePool(HTTPConnectionPool):
            ConnectionCls = CuttableConnection

        class CuttableTlsPool(HTTPSConnectionPool):
            ConnectionCls = CuttableTlsConnection

        self.poolmanager.pool_classes_by_scheme = {"http": CuttablePool, "https": CuttableTlsPool}
