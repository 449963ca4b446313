"""A folder in memory for the files of a process that checks inputs. It goes with the process, or is removed by who
started that: libFuzzer ends processes without asking anybody.
"""

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

MEMORY = Path("/dev/shm")


@functools.cache
def folder() -> Path:
    """One for each process."""
    made = _of_process(os.getpid())
    shutil.rmtree(made, ignore_errors=True)  # of a process that had the same id
    made.mkdir(mode=0o700)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def remove(process_id: int) -> None:
    """Remove what a process left that has ended."""
    shutil.rmtree(_of_process(process_id), ignore_errors=True)


def _of_process(process_id: int) -> Path:
    return (MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())) / f"leapfrog-fuzzing-{process_id}"


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
