"""The folder on the box's own disk in which the directory of a copy is made."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from leapfrog.errors import StorageError

PREFIX = "leapfrog-copy-"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """One that nobody else may open, and that is gone afterwards: the directory names the patient. What commands that
    were killed left goes away too. Raises StorageError.
    """
    try:
        _remove_left_over()
        folder = TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        held = _held(Path(folder.name))
    except OSError as problem:
        raise no_scratch(problem.strerror or "", Path(gettempdir())) from problem
    try:
        with folder as name:
            yield Path(name)
    finally:
        if held is not None:
            os.close(held)


def _remove_left_over() -> None:
    for folder in Path(gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is another user's, or was removed just now
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            held = _held(folder)
            if held is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(held)


def _held(folder: Path) -> int | None:
    """Hold on to a folder, so that everybody sees that it is in use; None where another command does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def no_scratch(why: str, where: Path) -> StorageError:
    """What is said when the disk that has `where` fails."""
    return StorageError(
        f"The directory of the copy could not be made: {why}, in {where} on the box. Make room there, and repeat the"
        " command."
    )
