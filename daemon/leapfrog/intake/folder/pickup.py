"""Opening and copying a file that lies in a folder where others may write."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from leapfrog.dicom.part10 import PREAMBLE_BYTES, PREFIX
from leapfrog.errors import LeapfrogError, StorageError

CHUNK_BYTES = 1 << 20


class FileChanged(LeapfrogError):
    """The file is no longer what it was when it was found: it is looked at anew."""


@dataclass(frozen=True)
class FileState:
    """A file as it was seen: as long as this holds, it was not changed."""

    byte_count: int
    modified_ns: int
    inode: int


def state_of(status: os.stat_result) -> FileState:
    """What stat(2) says of the file."""
    return FileState(status.st_size, status.st_mtime_ns, status.st_ino)


@contextmanager
def opened(path: Path, root: Path, expected: FileState) -> Iterator[BinaryIO]:
    """The regular file `path`, open for reading, if it is still `expected` and lies in `root`, an absolute path
    without links.

    Whoever may write there may also put a link or a pipe in a file's place, or a link in a folder's. Raises
    FileChanged then, and OSError when it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        actual_path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if not stat.S_ISREG(status.st_mode) or state_of(status) != expected:
            raise FileChanged("A file changed while it was looked at.")
        if not actual_path.is_relative_to(root):
            raise FileChanged("A file does not lie where it seemed to.")
        yield stream


def copy(stream: BinaryIO, target: Path, expected: FileState, go_on: Callable[[], bool]) -> None:
    """Copy `stream` to the new file `target`; the preamble of a DICOM file becomes zeros.

    It means nothing to DICOM and can hold a program (CVE-2019-11687). Raises FileChanged
    when the file is no longer `expected` at the end, or when `go_on`, asked now and then, says no; StorageError when
    the disk does not take it; OSError when the file cannot be read. Then nothing is left at `target`.
    """
    with _created(target) as copied:
        stream.seek(0)
        remaining = expected.byte_count  # a file that grows while it is read would have no end
        first = True
        while chunk := stream.read(min(CHUNK_BYTES, remaining)):
            remaining -= len(chunk)
            if first and chunk[PREAMBLE_BYTES : PREAMBLE_BYTES + len(PREFIX)] == PREFIX:
                chunk = bytes(PREAMBLE_BYTES) + chunk[PREAMBLE_BYTES:]
            first = False
            _write(copied, chunk)
            if not go_on():
                raise FileChanged("The box stops; the file waits.")
        if state_of(os.fstat(stream.fileno())) != expected:
            raise FileChanged("A file changed while it was copied.")


@contextmanager
def _created(target: Path) -> Iterator[BinaryIO]:
    try:
        copied = target.open("xb")
    except OSError as problem:
        raise StorageError(f"A file cannot be made in the spool: {problem.strerror}.") from problem
    try:
        with copied:
            yield copied
            _write(copied, b"", flush=True)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _write(copied: BinaryIO, chunk: bytes, flush: bool = False) -> None:
    try:
        copied.write(chunk)
        if flush:
            copied.flush()
    except OSError as problem:
        raise StorageError(f"The disk did not take a file: {problem.strerror}.") from problem
