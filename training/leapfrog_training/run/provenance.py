"""Records how a run was made: command, code, packages and machine."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from leapfrog_training.files import write_whole

FILE = "made-by.json"
PACKAGES = ("leapfrog-kiosk", "tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy", "pillow")
GIT_SECONDS = 10.0


@contextmanager
def recorded_provenance(folder: Path, devices: str) -> Iterator[None]:
    """Keep an entry in the run folder's `made-by.json` for each command that worked on it.

    The entry is written at the start, with ``"ended": null`` until the work has ended; if the command is killed, it
    stays so. An error is recorded by its type.
    """
    path, start = folder / FILE, time.monotonic()
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    entry: dict[str, object] = {
        "began": _now(),
        "ended": None,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "git_revision": git_revision(),
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "machine": machine(),
        "devices": devices,
    }

    def write() -> None:
        write_whole(path, json.dumps([*earlier, entry], indent=2).encode())

    write()
    try:
        yield
    except BaseException as error:
        entry["error"] = type(error).__name__
        raise
    finally:
        entry.update(ended=_now(), seconds=round(time.monotonic() - start, 1))
        write()


def machine() -> str:
    """Cores and processor of this machine."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith(("model name", "Model"))]
    return f"{os.cpu_count()} x {named[0] if named else platform.machine()}"


def git_revision() -> str:
    """The commit of this code, with `+changes` if files differ from it; empty outside a checkout."""
    commit = _git("rev-parse", "HEAD")
    return f"{commit}+changes" if commit and _git("status", "--porcelain", "--untracked-files=no") else commit


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
