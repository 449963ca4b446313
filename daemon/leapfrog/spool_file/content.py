"""The content of a spool file: its first bytes, as if nothing followed them."""

import errno
import io
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

NOT_A_FILE = "there is no file under its name"
BUFFER_BYTES = 1 << 16


def open_file(path: Path) -> int:
    """A descriptor of the regular file `path`, for reading. Raises OSError; FileNotFoundError where something else is
    in its place, such as a pipe, which would hold whoever opens it, a folder, or a link that leads elsewhere.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        if problem.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket
            raise FileNotFoundError(errno.ENOENT, NOT_A_FILE, str(path)) from problem
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, NOT_A_FILE, str(path))
    return descriptor


class _FirstBytes(io.FileIO):
    """A file that ends after `byte_count` bytes for whoever reads it."""

    def __init__(self, file: Path | int, byte_count: int) -> None:
        super().__init__(file)
        self._byte_count = byte_count

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer).cast("B")
        remaining = max(self._byte_count - self.tell(), 0)
        return super().readinto(room[:remaining]) or 0

    def read(self, size: int | None = -1) -> bytes:
        remaining = max(self._byte_count - self.tell(), 0)
        return super().read(remaining if size is None or size < 0 else min(size, remaining)) or b""

    def readall(self) -> bytes:
        return self.read()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            end = super().seek(0, io.SEEK_END)
            return super().seek(min(end, self._byte_count) + offset)
        return super().seek(offset, whence)

    def fileno(self) -> int:
        """Refused: a library that reads by the descriptor would read past the end."""
        raise io.UnsupportedOperation("the content of a spool file is read through its stream")


def open_content(path: Path, byte_count: int | None = None, *, may_wait: bool = False) -> BinaryIO:
    """Open the first `byte_count` bytes of the spool file `path` for reading, or all of any file `path`.

    A file that is shorter ends where it ends. `may_wait` is for a child with a deadline, which opens whatever there is.
    Raises OSError, as `open_file` does otherwise.
    """
    if byte_count is None:
        return path.open("rb")
    file = path if may_wait else open_file(path)
    return cast(BinaryIO, io.BufferedReader(_FirstBytes(file, byte_count), BUFFER_BYTES))


def content_byte_count(stream: BinaryIO) -> int:
    """How many bytes `stream` has. Its position stays."""
    position = stream.tell()
    end = stream.seek(0, io.SEEK_END)
    stream.seek(position)
    return end
