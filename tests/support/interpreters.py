"""The interpreters under which the engine host must run."""

import os
import sys
from pathlib import Path

import pytest

TFLITE = "LEAPFROG_TEST_TFLITE"  # a folder with an environment that has tflite-runtime for each Python, by its version
NEWEST, OLDEST = "3.11", "3.7"  # that tflite-runtime was made for and that the engine host is written for
INTERPRETERS = ("this", NEWEST, "3.10", "3.9", "3.8", OLDEST)


def interpreter(name: str) -> str:
    """This test's own, or the one of that version with tflite-runtime; skips where there is none."""
    if name == "this":
        return sys.executable
    folder = Path(os.environ.get(TFLITE, "")) / name
    if not (folder / "complete").exists():
        pytest.skip(f"{TFLITE} has no Python {name} with tflite-runtime")
    return str(folder / "bin" / "python")
