"""A small ext4 file system of its own, on a loop device: a disk that fails when told to."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def ext4_disk(place: Path, megabytes: int = 64) -> Iterator[Path]:
    """Mount a fresh file system at `place`; the test is skipped where that is not allowed."""
    image = place.with_suffix(".img")
    place.mkdir(parents=True)
    with image.open("wb") as stream:
        stream.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    mounted = subprocess.run(
        ["mount", "-o", "loop", str(image), str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this user or machine does not mount loop devices: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fail(place: Path) -> None:
    """Make every later write to the file system at `place` fail, as after an error of its disk (mount option abort)."""
    subprocess.run(["mount", "-o", "remount,abort", str(place)], check=True)
