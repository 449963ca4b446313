"""A folder in memory for the files and sockets of a fuzzer's process, gone with it."""

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@functools.cache
def folder() -> Path:
    """One for each process."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="leapfrog-fuzzing-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def written(name: str, content: bytes) -> Path:
    """The file `name` with that content, in the place of the last one."""
    path = folder() / name
    path.write_bytes(content)
    return path


def emptied(name: str) -> Path:
    """The folder `name`, with nothing in it."""
    path = folder() / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


@contextmanager
def opened(content: bytes) -> Iterator[BinaryIO]:
    """A file without a name: as a file of a disk, it has a descriptor and may have holes."""
    with os.fdopen(os.memfd_create("fuzzing"), "w+b") as stream:
        stream.write(content)
        stream.flush()
        stream.seek(0)
        yield stream
