"""Servers that a destination must never be: each takes connections, and makes nothing good of them."""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

PIECE_BYTES = 65_536


class MadServer:
    """Listens at `url`; what it does with each connection is up to it, until the connection ends."""

    def __init__(self, behave: Callable[[socket.socket], None]) -> None:
        """Nothing listens before it is entered."""
        self._behave = behave
        self._listener = socket.socket()
        self._connections: list[socket.socket] = []

    @property
    def url(self) -> str:
        """Where a DICOMweb service would be."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/dicom-web"

    def __enter__(self) -> Self:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listener, *self._connections):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is over already
            finally:
                one.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self._behave(connection)
        except OSError:
            return  # the other side has gone


def that_hangs() -> MadServer:
    """Takes every connection, and neither reads nor says anything ever."""
    return MadServer(lambda connection: None)


def that_swallows() -> MadServer:
    """Reads all that it is sent, and says nothing ever."""

    def swallow(connection: socket.socket) -> None:
        while connection.recv(PIECE_BYTES):
            pass

    return MadServer(swallow)


def that_babbles() -> MadServer:
    """Answers whatever is said with bytes that are no HTTP."""

    def babble(connection: socket.socket) -> None:
        while connection.recv(PIECE_BYTES):
            connection.sendall(bytes(range(256)) * 40)

    return MadServer(babble)
