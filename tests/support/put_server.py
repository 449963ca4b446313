"""A small web server that takes files, and answers as it is told."""

import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class PutServer:
    """What was put is in `bodies`, in order. `statuses` are answered one after the other, the last for ever. Once a
    request `came`, it is read and answered when it `may_go_on`.
    """

    def __init__(
        self, *, status: int = 204, statuses: Sequence[int] = (), content_type: str = "text/plain", port: int = 0
    ) -> None:
        """It does not answer yet."""
        self.bodies: list[bytes] = []
        self.answered: list[int] = []
        self.came, self.may_go_on = threading.Event(), threading.Event()
        self.may_go_on.set()
        left = list(statuses or [status])

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(handler) -> None:  # noqa: N805
                self.came.set()
                self.may_go_on.wait(30)
                length = int(handler.headers["Content-Length"])
                body = handler.rfile.read(length)
                if len(body) < length:
                    return
                said = left.pop(0) if len(left) > 1 else left[0]
                self.answered.append(said)
                if said < 300:
                    self.bodies.append(body)
                handler.send_response(said)
                handler.send_header("Content-Type", content_type)
                handler.send_header("Content-Length", "0")
                handler.end_headers()

            def log_message(handler, *_: Any) -> None:  # noqa: N805
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/boxes/kitui.json"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.may_go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
