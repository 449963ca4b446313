"""What stands between a box and an archive, and does with their connection what a test says."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def between(port: int, each: Callable[[socket.socket, socket.socket], None]) -> Iterator[int]:
    """A port behind which `each` does with every connection what it likes; it gets one to the archive at `port`."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", port)) if port else socket.socket()
                thread = threading.Thread(target=handle, args=(client, server), daemon=True)
                threads.append(thread)
                thread.start()

    def handle(client: socket.socket, server: socket.socket) -> None:
        with client, server:
            with suppress(OSError):
                each(client, server)
            for side in (client, server):  # also where another thread still reads
                with suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def relay(source: socket.socket, sink: socket.socket, most: int, piece: int = 4096) -> int:
    """Pass on at most so many bytes. Returns how many came."""
    passed = 0
    with suppress(OSError):
        while passed < most and (content := source.recv(min(piece, most - passed))):
            sink.sendall(content)
            passed += len(content)
    return passed


def both_ways(client: socket.socket, server: socket.socket, most_up: int, most_down: int, piece: int = 4096) -> None:
    down = threading.Thread(target=relay, args=(server, client, most_down, piece), daemon=True)
    down.start()
    relay(client, server, most_up, piece)
    down.join(0.3)
