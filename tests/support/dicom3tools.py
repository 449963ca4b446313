"""The independent judge of whether an object is valid DICOM: dciodvfy of dicom3tools."""

import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

needs_dicom3tools = pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
AT_ONCE = 4  # processes


def errors_of(path: Path) -> list[str]:
    """What it calls an error in the file `path`, one line each."""
    done = subprocess.run(["dciodvfy", path], capture_output=True, timeout=60, check=False)
    lines = done.stderr.decode(errors="replace").splitlines()
    return [line for line in lines if line.startswith("Error")]


def errors_in(paths: Iterable[Path]) -> dict[Path, list[str]]:
    """The same of many files, at once; those without errors are left out."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        files = list(paths)
        return {path: errors for path, errors in zip(files, pool.map(errors_of, files), strict=True) if errors}
