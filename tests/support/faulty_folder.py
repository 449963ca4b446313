"""A folder on a mount that misbehaves as a share or a dying disk does: a real one, in the kernel (FUSE)."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from support import fuse_server

Doing = Literal["stat", "list", "open", "read", "unlink", "*"]


def why_not() -> str:
    """Why no such mount can be made here; '' when it can."""
    if os.geteuid() != 0:
        return "mounting a FUSE file system without a helper needs root"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as problem:
        return f"/dev/fuse cannot be used here: {problem.strerror}"
    return ""


class FaultyFolder:
    """Shows `backing` at `mount`. What is written into `backing` appears there."""

    def __init__(self, directory: Path) -> None:
        """Within the empty folder `directory`."""
        self.backing = directory / "backing"
        self.mount = directory / "share"
        self._rules = directory / "rules.json"
        self._process: subprocess.Popen[str] | None = None
        for path in (self.backing, self.mount):
            path.mkdir(parents=True, exist_ok=True)

    def connect(self) -> None:
        """Mount it."""
        command = [sys.executable, fuse_server.__file__, "--backing", str(self.backing), "--mount", str(self.mount),
                   "--rules", str(self._rules)]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "mounted\n"

    def disconnect(self) -> None:
        """Unmount it, at once; whoever waits for it gets an error."""
        self.lose_server()
        subprocess.run(["umount", "--lazy", str(self.mount)], check=True)

    def lose_server(self) -> None:
        """The other side dies, and the mount stays (ENOTCONN)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def fail(self, doing: Doing, error: int | Literal["hang"], name: str = "*") -> None:
        """From now on, fail with this error number, or do not answer; `name`: that of a file or folder, / is the
        folder itself.
        """
        self._rule(faults=[{"doing": doing, "name": name, "error": error}])

    def renumber(self, *, inodes: int = 0, shift_seconds: float = 0.0) -> None:
        """From now on, other inodes, or times in another zone."""
        self._rule(inodes=inodes, shift_seconds=shift_seconds)

    def behave(self) -> None:
        """From now on, nothing fails, and whatever hung is answered."""
        self._rule()

    def _rule(self, **rules: Any) -> None:
        part = self._rules.with_suffix(".part")
        part.write_text(json.dumps(rules))
        part.rename(self._rules)

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.behave()
        self.disconnect()


ERRORS = {name: getattr(errno, name) for name in ("EACCES", "EIO", "ESTALE", "EHOSTDOWN")}
