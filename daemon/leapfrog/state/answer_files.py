"""The files of documents that districts gave us: as they came, named by our own id, and readable by nobody else."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from leapfrog.durable import PRIVATE, fsync_directory
from leapfrog.errors import StorageError

ANSWERS_NAME = "answers"  # in the state directory
ENDING = ".dcm"
PARTIAL = ".part"


class AnswerFiles:
    """The folder of these files."""

    def __init__(self, directory: Path, min_free_bytes: int = 0) -> None:
        """Create the folder if it is missing. Raises StorageError when that fails. `min_free_bytes` must stay free on
        its disk: they are for images.
        """
        self._directory = directory
        self._min_free_bytes = min_free_bytes
        try:
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as problem:
            raise StorageError(f"The folder {directory} cannot be created: {problem.strerror}.") from problem

    def path(self, answer_id: str) -> Path:
        """Where the file of a document is, or would be."""
        return self._directory / f"{answer_id}{ENDING}"

    def has_room(self, byte_count: int) -> bool:
        """Whether so many bytes more may be kept. Raises OSError when the disk cannot be asked."""
        return shutil.disk_usage(self._directory).free - byte_count >= self._min_free_bytes

    @contextmanager
    def receiving(self, answer_id: str) -> Iterator[BinaryIO]:
        """A stream for the content of a document, whose file is there, durably, when the block ends without an
        exception. Raises OSError when the disk fails.
        """
        partial = self._directory / f".{answer_id}{PARTIAL}"
        try:
            descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE)
            with os.fdopen(descriptor, "w+b") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(self.path(answer_id))
            fsync_directory(self._directory)
        finally:
            partial.unlink(missing_ok=True)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove the files of these documents, those that there are."""
        for answer_id in ids:
            with suppress(OSError):
                self.path(answer_id).unlink(missing_ok=True)

    def clear_partial(self) -> None:
        """Remove what a power cut left of documents that were being received. Nobody may be receiving any."""
        for path in self._directory.glob(f".*{PARTIAL}"):
            path.unlink(missing_ok=True)

    def keep_only(self, ids: Iterable[str]) -> None:
        """Remove every file but those of these documents: a power cut left it behind."""
        kept = {self.path(answer_id).name for answer_id in ids}
        for path in self._directory.iterdir():
            if path.name not in kept and path.suffix == ENDING:
                with suppress(OSError):
                    path.unlink()
