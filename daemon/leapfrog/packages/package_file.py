"""Opens a file of a package folder, which may hold anything: a pipe for which the box would wait, a device that never
ends, a link that leads elsewhere and to another file tomorrow.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from leapfrog.errors import PackageError

LARGEST_FILE_BYTES = 256 * 1024 * 1024  # far more than any Edge TPU model; a huge stray file is not hashed
LARGEST_PACKAGE_BYTES = 2 * LARGEST_FILE_BYTES
CHUNK_BYTES = 1024 * 1024


def open_plain(folder: Path, name: str) -> BinaryIO:
    """The file `name` in `folder`, for reading. Raises PackageError, which names it, if it cannot be read or is not a
    plain file.
    """
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        stream = os.fdopen(descriptor, "rb")
        is_plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            raise _not_plain(folder, name) from problem
        raise _refused(folder, f"{name} cannot be read: {problem.strerror}") from problem
    if not is_plain:
        stream.close()
        raise _not_plain(folder, name)
    return stream


def digests_of(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each of the files `names` in `folder` with its SHA-256 in hexadecimal. Raises PackageError as `open_plain` does,
    or when one is too large for a file of a package, or all are.
    """
    left = LARGEST_PACKAGE_BYTES
    for name in names:
        digest, left_of_file = hashlib.sha256(), LARGEST_FILE_BYTES
        for part in _parts(folder, name):
            left_of_file, left = left_of_file - len(part), left - len(part)
            if left_of_file < 0:
                raise _refused(folder, f"{name} is too large for a model")
            if left < 0:
                raise _refused(folder, f"with {name}, its files have more than {LARGEST_PACKAGE_BYTES} bytes")
            digest.update(part)
        yield name, digest.hexdigest()


def _parts(folder: Path, name: str) -> Iterator[bytes]:
    with open_plain(folder, name) as stream:
        try:
            while part := stream.read(CHUNK_BYTES):
                yield part
        except OSError as problem:
            raise _refused(folder, f"{name} cannot be read: {problem.strerror}") from problem


def _not_plain(folder: Path, name: str) -> PackageError:
    return _refused(folder, f"{name} is not a plain file: put the file itself there")


def _refused(folder: Path, reason: str) -> PackageError:
    return PackageError(f"The model package {folder.name} is not loaded: {reason}.")
