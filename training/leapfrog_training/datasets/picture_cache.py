"""Pictures of a data set at a model's size, in one file, which is made once and then read fast.

The file is filled part by part, with a record of which pictures are done, so its making can be interrupted at any
moment and resumed. Its name depends on what it was made from: another size, field, list or picture file gives another
name.
"""

import fcntl
import hashlib
import math
import os
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from leapfrog.packages.manifest import InputField, ModelInput
from leapfrog.reader.assess.shown_picture import shown_to_model
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.errors import DatasetError
from leapfrog_training.progress import shown_progress

LOCK_FILE = "lock"
LAYOUT = b"1"  # to be raised when the format changes, or the way in which the kiosk makes a picture from a file
CHUNK = 64  # pictures at a time: at most these are lost if the making is interrupted
FEWEST_FOR_PROCESSES = 500  # starting a process takes as long as some hundred pictures


def cached_pictures(
    paths: Sequence[Path], height: int, width: int, folder: Path, field: InputField = "whole"
) -> NDArray[np.uint8]:
    """The pictures as the kiosk shows them to a model, shape (pictures, height, width, 1), of each its `field`, read on
    access from a file in `folder`. If the file is missing, it is made first, with progress.

    If two commands need the same pictures, the second waits for the first to make them. Raises OSError for a picture
    that cannot be decoded, DatasetError if the disk has not enough room.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = ModelInput(height=height, width=width, field=field)
    stem = folder / f"pictures-{height}x{width}-{_fingerprint(paths, taken)}"
    complete = stem.with_suffix(".npy")
    if not complete.exists():
        with (folder / LOCK_FILE).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not complete.exists():
                _make(paths, taken, complete)
    pictures: NDArray[np.uint8] = open_memmap(complete, mode="r")
    return pictures


def _fingerprint(paths: Sequence[Path], taken: ModelInput) -> str:
    field = "" if taken.field == "whole" else f" {taken.field}"
    digest = hashlib.sha256(LAYOUT + f"{taken.height}x{taken.width}{field}".encode())
    for path in paths:
        status = path.stat()
        digest.update(f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _make(paths: Sequence[Path], taken: ModelInput, complete: Path) -> None:
    growing, there = complete.with_suffix(".part"), complete.with_suffix(".there")
    shape = (len(paths), taken.height, taken.width, 1)
    is_new = not (growing.exists() and there.exists())
    if is_new:
        there.unlink(missing_ok=True)
        growing.unlink(missing_ok=True)
        _refuse_a_full_disk(complete.parent, math.prod(shape))
    pictures = open_memmap(growing, mode="w+" if is_new else "r+", dtype=np.uint8, shape=shape)
    done = np.memmap(there, dtype=np.uint8, mode="w+" if is_new else "r+", shape=(len(paths),))
    missing = np.flatnonzero(done == 0)
    parts = [missing[start : start + CHUNK] for start in range(0, len(missing), CHUNK)]
    make = partial(_pictures_at, taken)
    with shown_progress("Pictures", len(paths), already=len(paths) - len(missing)) as advance:
        for part, made in zip(parts, _mapped(make, [[paths[i] for i in part] for part in parts]), strict=True):
            pictures[part] = made[..., np.newaxis]
            pictures.flush()  # first the pictures, then the record that they are done
            done[part] = 1
            done.flush()
            advance(len(part))
    growing.replace(complete)
    there.unlink()


def _refuse_a_full_disk(folder: Path, needed: int) -> None:
    """Raise DatasetError if there is no room. The file is sparse: on a full disk, a later write would end in SIGBUS."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DatasetError(
            f"{folder}: the pictures at the model's size take {needed / 1e9:.1f} GB, but only {free / 1e9:.1f} GB are "
            "free: make room, or give an --out on another disk"
        )


def _mapped(make: "partial[NDArray[np.uint8]]", parts: Sequence[Sequence[Path]]) -> Iterator[NDArray[np.uint8]]:
    """The results for `parts`, in order. If there are many pictures, one process per core makes them a little ahead."""
    if sum(map(len, parts)) < FEWEST_FOR_PROCESSES:
        yield from map(make, parts)
        return
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        ahead = deque(pool.submit(make, part) for part in parts[: 2 * cores])
        for following in [*parts[2 * cores :], *[None] * len(ahead)]:
            made = ahead.popleft()
            if following is not None:
                ahead.append(pool.submit(make, following))
            yield made.result()


def _pictures_at(taken: ModelInput, paths: Sequence[Path]) -> NDArray[np.uint8]:
    return np.stack([shown_to_model(taken, read_gray(path)) for path in paths])
