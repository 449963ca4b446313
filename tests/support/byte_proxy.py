"""A proxy that passes bytes on, whatever they mean, and breaks the first connection after so many of them."""

import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

from support.ports import free_port

READ_BYTES = 65_536
# Linger on, for 0 seconds: closing sends a reset.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Direction = Literal["there", "back"]


@dataclass(frozen=True)
class Break:
    """Where the first connection breaks: after so many bytes in that direction; with a reset, or closed in order."""

    direction: Direction
    after_bytes: int
    resets: bool = True


class ByteProxy:
    """Between a client and `upstream`, a DICOMweb root."""

    def __init__(self, upstream: str, breaks: Break | None = None) -> None:
        """It listens while it is a context."""
        target = urlsplit(upstream)
        self._upstream = (target.hostname or "127.0.0.1", target.port or 80)
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}{target.path}"
        self._break = breaks
        self._lock = threading.Lock()
        self._connections = 0
        self._open: set[socket.socket] = set()
        self.passed: dict[Direction, int] = {"there": 0, "back": 0}  # by the first connection
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        with self._lock:
            for connection in self._open:
                _shut_down(connection)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(self._upstream)
            except OSError:
                return
            with self._lock:
                is_first = self._connections == 0
                self._connections += 1
                self._open |= {client, server}
            threading.Thread(target=self._serve, args=(client, server, is_first), daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket, is_first: bool) -> None:
        back = threading.Thread(target=self._pass_on, args=(server, client, "back", is_first), daemon=True)
        back.start()
        self._pass_on(client, server, "there", is_first)
        back.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def _pass_on(self, source: socket.socket, sink: socket.socket, direction: Direction, is_first: bool) -> None:
        """Until either side ends, or the connection is to be broken."""
        breaks = self._break if is_first else None
        passed = 0
        try:
            while part := source.recv(READ_BYTES):
                if breaks and breaks.direction == direction and passed + len(part) >= breaks.after_bytes:
                    sink.sendall(part[: breaks.after_bytes - passed])
                    if breaks.resets:
                        for end in (source, sink):
                            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                    break
                sink.sendall(part)
                passed += len(part)
                if is_first:
                    self.passed[direction] = passed
        except OSError:
            pass  # the other direction ended it
        for end in (source, sink):
            _shut_down(end)


def _shut_down(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
