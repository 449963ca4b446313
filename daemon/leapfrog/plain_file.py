"""Opens what somebody gave to be checked: regular files only, and no more of them than they may have.

A pipe would never end, and a device or a file that is mostly a hole neither: who gives a folder to be checked may have
put anything into it.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path


class NotPlain(Exception):
    """It is there, and is no regular file, or larger than anything of its kind."""


@contextmanager
def opened(path: Path, most_bytes: int, *, follow: bool = True) -> Iterator[BufferedReader]:
    """The regular file at `path`, open to read. A link to one will do if `follow`.

    Raises NotPlain, FileNotFoundError, and OSError or ValueError when it cannot be opened.
    """
    if not follow and path.is_symlink():
        raise NotPlain
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most_bytes:
            raise NotPlain
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def content_of(path: Path, most_bytes: int) -> bytes:
    """The content of the regular file at `path`, or of what it links to. Raises as `opened` does."""
    with opened(path, most_bytes) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise NotPlain
    return content
