"""Where an object lies for the moment in which it is brought to the server: decrypted, so that nobody else may look.

    receipts/.incoming/     in the folder of the receipts, on the disk of the server's data

What a killed run left there is removed by the next one. Only one run at a time has it.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from leapfrog.errors import StorageError

FOLDER_NAME = ".incoming"
FOLDER_MODE = 0o700
PROBE_BYTES = 4096


@contextmanager
def work_folder(receipts: Path) -> Iterator[Path]:
    """An empty folder, which is gone at the end. Raises StorageError when it cannot be made, or another run has it."""
    folder = receipts / FOLDER_NAME
    try:
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as problem:
        raise StorageError(
            f"{folder} cannot be used: {problem.strerror}. Run this as root, or name another folder with --receipts."
        ) from problem
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        os.close(descriptor)
        raise StorageError(
            "Another stick is being received here. Wait until that is done, then repeat this."
        ) from problem
    try:
        _empty(folder)
        yield folder
    finally:
        with suppress(OSError):  # the next run does it
            _empty(folder)
        os.close(descriptor)


def require_usable(folder: Path) -> None:
    """Raise StorageError when nothing can be written there: then it is not the stick that fails."""
    probe = folder / "probe"
    try:
        probe.write_bytes(b"\0" * PROBE_BYTES)
        probe.unlink()
    except OSError as problem:
        raise StorageError(
            f"Nothing can be written in {folder} any more: {problem.strerror}. Make room there, have that disk looked"
            " at, or name a folder on another one with --receipts."
        ) from problem


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()
