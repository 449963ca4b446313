"""The folder on the box's own disk in which the directory of a copy is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from leapfrog.errors import StorageError

PREFIX = "leapfrog-copy-"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """One that nobody else may open, and that is gone afterwards. Raises StorageError."""
    try:
        folder = TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
    except OSError as problem:
        raise no_scratch(problem.strerror or "", Path(gettempdir())) from problem
    with folder as name:
        yield Path(name)


def no_scratch(why: str, where: Path) -> StorageError:
    """What is said when the disk that has `where` fails."""
    return StorageError(
        f"The directory of the copy could not be made: {why}, in {where} on the box. Make room there, and repeat the"
        " command."
    )
