"""The double of edgetpu_compiler on the PATH, and packages to compile."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import edgetpu_compiler, tiny_models


@dataclass(frozen=True)
class CompilerDouble:
    """The double, what it was called with, and where."""

    programs: Path
    calls_file: Path

    def does(self, mode: str, pairs: Path | None = None) -> None:
        """From now on it behaves as `edgetpu_compiler.MODES` says."""
        assert mode in edgetpu_compiler.MODES
        edgetpu_compiler.install(self.programs, mode, self.calls_file, pairs)

    @property
    def folders(self) -> list[Path]:
        return [Path(line.split()[0]) for line in self.calls_file.read_text().splitlines()]

    @property
    def calls(self) -> list[list[str]]:
        return [line.split()[1:] for line in self.calls_file.read_text().splitlines()]


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CompilerDouble:
    """On the PATH of this process; it maps everything unless told otherwise."""
    made = CompilerDouble(tmp_path / "bin", tmp_path / "calls")
    made.does("full")
    monkeypatch.setenv("PATH", f"{made.programs}:{os.environ['PATH']}")
    return made


@pytest.fixture
def elsewhere(double: CompilerDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another machine, which alone has the compiler: a folder with `ssh` and `docker` to reach it, and its `tmp`.

    Nothing passes but the arguments and the two streams: no variable, no working folder, no temporary folder. As the
    real ones do, `ssh` joins its arguments with spaces for a shell, and `docker run` starts what follows the image.
    """
    machine = tmp_path / "elsewhere"
    (machine / "tmp").mkdir(parents=True)
    there = f'cd / && exec env -i PATH="{double.programs}:/usr/bin:/bin" TMPDIR="{machine / "tmp"}"'
    ssh = f'[ "$1" = workshop ] || {{ echo "ssh: no such host $1" >&2; exit 255; }}\nshift\n{there} sh -c "$*"'
    docker = f'[ "$1 $2 $3 $4" = "run --rm -i coral" ] || exit 125\nshift 4\n{there} "$@"'
    for name, text in (("ssh", ssh), ("docker", docker)):
        (machine / name).write_text(f"#!/bin/sh\n{text}\n")
        (machine / name).chmod(0o755)
    here = f"{machine}:{Path(sys.executable).parent}:/usr/bin:/bin"
    monkeypatch.setenv("PATH", here)
    return machine


@pytest.fixture
def chest(tmp_path: Path) -> Path:
    return tiny_models.write_classifier(tmp_path)


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return tiny_models.write_segmenter(tmp_path)
