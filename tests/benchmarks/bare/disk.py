"""The bare disk: files of a load's very bytes made durable, with nothing received, looked at or noted.

For each file: create, write, fsync, rename, fsync of the directory, as whoever answers for one file at a time must do.
The bytes are those of the load and lie in memory before the clock starts; each file is a new one; those that write at
once share one directory, as a spool does, and each has files of its own. They are threads: a thread only makes system
calls here, and Python lets go of its lock in each of them.

What a receiver may do better than this is no mistake: it may begin to write while bytes still arrive, or cover several
files by one fsync of the directory. And what it cannot reach may be no fault of its own: a modality's program and the
loopback need the processor too (`receiver.py`).
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def files_per_second(directory: Path, contents: Sequence[bytes], at_once: int) -> float:
    """How many of `contents` become durable files in `directory`, which is made, in a second."""
    directory.mkdir()
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)

    def write_some(first: int) -> None:
        for number in range(first, len(contents), at_once):
            _write(directory, descriptor, number, contents[number])

    try:
        with ThreadPoolExecutor(at_once) as writers:
            began = time.perf_counter()
            for done in [writers.submit(write_some, first) for first in range(at_once)]:
                done.result()
            taken = time.perf_counter() - began
    finally:
        os.close(descriptor)
    return len(contents) / taken


def _write(directory: Path, directory_descriptor: int, number: int, content: bytes) -> None:
    arriving, stored = directory / f"{number}.part", directory / str(number)
    descriptor = os.open(arriving, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    try:
        remaining = memoryview(content)
        while remaining:
            remaining = remaining[os.write(descriptor, remaining) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    arriving.rename(stored)
    os.fsync(directory_descriptor)
