"""A real Chromium without a window, spoken to over a pair of pipes in its DevTools protocol."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from PIL import Image

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WAIT_SECONDS = 10.0


def chromium_program() -> str | None:
    """Where Chromium is, or None when it is not installed."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """One Chromium with one page, in a profile of its own that goes with it."""

    def __init__(self, width: int = 800, height: int = 1200, *, fonts: Sequence[Path] = ()) -> None:
        """Sizes in pixels. With `fonts`, the browser has these alone, whatever the machine has."""
        self._size = f"{width},{height}"
        self._profile = TemporaryDirectory(prefix="leapfrog-browser-", ignore_cleanup_errors=True)
        self._fonts = _only(fonts, Path(self._profile.name)) if fonts else {}
        self._process: subprocess.Popen[bytes] | None = None
        self._received = b""
        self._last_id = 0
        self._session: str | None = None
        self.console: list[str] = []

    def __enter__(self) -> Self:
        program = chromium_program()
        if program is None:
            raise RuntimeError("Chromium is not installed")
        read_commands, self._commands = _pipe()
        self._answers, write_answers = _pipe()
        self._process = subprocess.Popen(
            [
                "bash",
                "-c",
                'exec "$@" 3<&"$READ" 4>&"$WRITE"',  # the protocol's pipes are descriptors 3 and 4
                "bash",
                program,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
                f"--user-data-dir={self._profile.name}",
                f"--window-size={self._size}",
                "--remote-debugging-pipe",
                "about:blank",
            ],
            pass_fds=(read_commands, write_answers),
            env={**os.environ, **self._fonts, "READ": str(read_commands), "WRITE": str(write_answers)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        target = next(one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
        self._profile.cleanup()

    def open(self, file: Path) -> None:
        """Show a file as a person would who taps on it; returns when it and its pictures are loaded."""
        self.call("Page.navigate", url=file.as_uri())
        address = json.dumps(file.as_uri())
        self.wait_for(f"location.href === {address} && document.readyState === 'complete'")

    def whole_page(self, file: Path, width: int, then: str = "") -> Image.Image:
        """All of a page, in a window of this width, after the script `then`; two pixels for each of the page's."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=2, mobile=False)
        self.open(file)
        self.value(f"{then}; document.querySelectorAll('img').forEach((one) => {{ one.loading = 'eager' }})")
        self.wait_for("[...document.images].every((one) => one.complete)")
        self.wait_for("document.fonts.status === 'loaded'")
        height = self.value("document.documentElement.scrollHeight")
        return self.picture({"x": 0, "y": 0, "width": width, "height": height})

    def picture(self, place: dict[str, float] | None = None, scale: float = 1) -> Image.Image:
        """What is seen, or what stands in that rectangle of the whole page."""
        clip = {"clip": {**place, "scale": scale}, "captureBeyondViewport": True} if place else {}
        png = base64.b64decode(self.call("Page.captureScreenshot", **clip)["data"])
        return Image.open(BytesIO(png)).convert("RGB")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives in the page. Raises AssertionError when it throws."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Return once a JavaScript expression is true in the page. Raises AssertionError when it does not become so."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not self._is_true(expression):
            assert time.monotonic() < deadline, f"not so within {WAIT_SECONDS:.0f} s: {expression}"
            time.sleep(0.05)

    def in_sight(self, selector: str) -> bool:
        """Whether something stands wholly on the screen, with nothing above it."""
        seen: bool = self.value(
            "((one) => { const at = one.getBoundingClientRect();"
            " return at.height > 0 && at.top >= 0 && at.bottom <= innerHeight"
            " && one.contains(document.elementFromPoint(at.left + 9, at.top + 9)); })"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        return seen

    def _is_true(self, expression: str) -> bool:
        try:
            return bool(self.value(expression))
        except AssertionError:  # the page is just being replaced
            return False

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command of the protocol and its result."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._last_id:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            if answer.get("method") in ("Runtime.consoleAPICalled", "Log.entryAdded", "Runtime.exceptionThrown"):
                self.console.append(json.dumps(answer["params"]))

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            part = os.read(self._answers, 1 << 16)
            if not part:
                raise RuntimeError("Chromium ended")
            self._received += part
        line, self._received = self._received.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        return message


def _only(fonts: Sequence[Path], directory: Path) -> dict[str, str]:
    """What has a program's environment to say so that it finds these fonts and no other."""
    folder = directory / "only-fonts"
    folder.mkdir()
    for font in fonts:
        (folder / font.name).symlink_to(font)
    settings = directory / "fonts.conf"
    settings.write_text(f"<fontconfig><dir>{folder}</dir><cachedir>{directory / 'font-cache'}</cachedir></fontconfig>")
    return {"FONTCONFIG_FILE": str(settings)}


def _pipe() -> tuple[int, int]:
    """A pipe whose descriptors are out of the way of 3 and 4."""
    low = os.pipe()
    high = tuple(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 20) for descriptor in low)
    for descriptor in low:
        os.close(descriptor)
    return high[0], high[1]
