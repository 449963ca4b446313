"""Safely opens and copies a file in a folder where others may write."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from leapfrog.dicom.part10 import PREAMBLE_BYTES, PREFIX
from leapfrog.errors import LeapfrogError, StorageError
from leapfrog.spool_file.digest import new_digest

CHUNK_BYTES = 1 << 20
INODE_MASK = (1 << 63) - 1


class FileChanged(LeapfrogError):
    """The file is not the one that was found any more, so it must be looked at again."""


@dataclass(frozen=True)
class FileState:
    """The size, time and inode of a file. As long as they stay the same, the file counts as unchanged."""

    byte_count: int
    modified_ns: int
    inode: int


def state_of(status: os.stat_result) -> FileState:
    """The state that stat(2) reports. Some shares number inodes beyond what the journal can hold (SQLite's integers are
    signed), so the highest bit is left out.
    """
    return FileState(status.st_size, status.st_mtime_ns, status.st_ino & INODE_MASK)


@contextmanager
def opened(path: Path, root: Path, expected: FileState) -> Iterator[BinaryIO]:
    """Open the regular file `path` for reading, if its state is still `expected` and it really lies in `root`. `root`
    is an absolute path without links.

    Anyone who may write there can also replace a file by a link or a pipe, or a folder by a link. Raises FileChanged
    in that case, and OSError when the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    stream = os.fdopen(descriptor, "rb")
    try:
        status = os.fstat(descriptor)
        actual_path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if not stat.S_ISREG(status.st_mode) or state_of(status) != expected:
            raise FileChanged("A file changed before it could be read.")
        if not actual_path.is_relative_to(root):
            raise FileChanged("A file is really in another folder: a link leads there.")
        yield stream
    finally:
        # A share that is lost just now gives an error, though all was read, and perhaps admitted.
        with suppress(OSError):
            stream.close()


def copy(stream: BinaryIO, target: Path, expected: FileState, go_on: Callable[[], bool]) -> str:
    """Copy `stream` to the new file `target`. The preamble of a DICOM file is overwritten with zeros: it means nothing
    to DICOM and can hold a program (CVE-2019-11687). Returns the digest of what is now at `target`.

    `go_on` is asked between chunks whether to continue. Raises FileChanged when it says no, or when the state of the
    file is not `expected` at the end; StorageError when the copy cannot be written; OSError when the file cannot be
    read. After an error nothing is left at `target`.
    """
    digest = new_digest()
    with _created(target) as copied:
        for chunk in content_of(stream, expected.byte_count):
            digest.update(chunk)
            _write(copied, chunk)
            if not go_on():
                raise FileChanged("The box is stopping; the file is copied after the next start.")
        if state_of(os.fstat(stream.fileno())) != expected:
            raise FileChanged("A file changed while it was being copied.")
    return digest.hexdigest()


def digest_of(stream: BinaryIO, expected: FileState, go_on: Callable[[], bool], known: str = "") -> str:
    """The digest that `copy` would return, without a copy, of the same kind as `known`. Raises FileChanged and OSError
    as `copy` does.
    """
    digest = new_digest(known)
    for chunk in content_of(stream, expected.byte_count):
        digest.update(chunk)
        if not go_on():
            raise FileChanged("The box is stopping; the file is looked at after the next start.")
    if state_of(os.fstat(stream.fileno())) != expected:
        raise FileChanged("A file changed while it was being read.")
    return digest.hexdigest()


def content_of(stream: BinaryIO, byte_count: int) -> Iterator[bytes]:
    """The file as it goes into the spool, in chunks: at most `byte_count` bytes, since one that keeps growing would
    never end, and a DICOM preamble as zeros.
    """
    stream.seek(0)
    remaining, first = byte_count, True
    while chunk := stream.read(min(CHUNK_BYTES, remaining)):
        remaining -= len(chunk)
        if first and chunk[PREAMBLE_BYTES : PREAMBLE_BYTES + len(PREFIX)] == PREFIX:
            chunk = bytes(PREAMBLE_BYTES) + chunk[PREAMBLE_BYTES:]
        first = False
        yield chunk


@contextmanager
def _created(target: Path) -> Iterator[BinaryIO]:
    try:
        copied = target.open("xb")
    except OSError as problem:
        raise StorageError(f"A file cannot be created in the spool: {problem.strerror}.") from problem
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
        raise StorageError(f"A file cannot be written to the spool: {problem.strerror}.") from problem
