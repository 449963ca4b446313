"""A real Firefox without a window, spoken to in its Marionette protocol: lengths, and JSON as WebDriver has it."""

import base64
import json
import shutil
import socket
import subprocess
import time
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from PIL import Image

from support.ports import free_port

PROGRAMS = ("firefox-esr", "firefox")
START_SECONDS = 60.0  # with a new profile, on a busy machine
WAIT_SECONDS = 10.0


def firefox_program() -> str | None:
    """Where Firefox is, or None when it is not installed."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Firefox:
    """One Firefox with one page, in a profile of its own that goes with it."""

    def __init__(self, width: int = 800, height: int = 1000) -> None:
        """Sizes in pixels."""
        self._size = (width, height)
        self._profile = TemporaryDirectory(prefix="leapfrog-firefox-", ignore_cleanup_errors=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._last_id = 0

    def __enter__(self) -> Self:
        program = firefox_program()
        if program is None:
            raise RuntimeError("Firefox is not installed")
        port = free_port()
        (Path(self._profile.name) / "user.js").write_text(f'user_pref("marionette.port", {port});\n')
        command = [program, "--headless", "--marionette", "--no-remote", "--profile", self._profile.name]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._connection = _connected(port)
        self._message()  # what it says of itself
        self.call("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        width, height = self._size
        self.call("WebDriver:SetWindowRect", width=width, height=height)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._profile.cleanup()

    def open(self, file: Path) -> None:
        """Show a file; returns when it is loaded."""
        self.call("WebDriver:Navigate", url=file.as_uri())

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives in the page. Raises AssertionError when it throws."""
        return self.call("WebDriver:ExecuteScript", script=f"return ({expression})", args=[])["value"]

    def wait_for(self, expression: str) -> None:
        """Return once a JavaScript expression is true in the page. Raises AssertionError when it does not become so."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.value(expression):
            assert time.monotonic() < deadline, f"not so within {WAIT_SECONDS:.0f} s: {expression}"
            time.sleep(0.05)

    def picture(self) -> Image.Image:
        """What is seen."""
        png = self.call("WebDriver:TakeScreenshot", full=False)["value"]
        return Image.open(BytesIO(base64.b64decode(png))).convert("RGB")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command of the protocol and its result."""
        assert self._connection is not None
        self._last_id += 1
        message = json.dumps([0, self._last_id, method, parameters])
        self._connection.sendall(f"{len(message.encode())}:{message}".encode())
        _, _, error, result = self._message()
        assert error is None, error
        return result if isinstance(result, dict) else {"value": result}

    def _message(self) -> Any:
        assert self._connection is not None
        length = b""
        while not length.endswith(b":"):
            length += self._received(1)
        return json.loads(self._received(int(length[:-1])))

    def _received(self, count: int) -> bytes:
        assert self._connection is not None
        received = b""
        while len(received) < count:
            part = self._connection.recv(count - len(received))
            if not part:
                raise RuntimeError("Firefox ended")
            received += part
        return received


def _connected(port: int) -> socket.socket:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return connection
