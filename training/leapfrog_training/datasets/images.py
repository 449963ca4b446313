"""Reads the pictures and masks of a data set."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from leapfrog_training.progress import shown_progress


def picture_problem(path: Path) -> str | None:
    """What is wrong with the picture at `path`, or None if it is whole.

    A PNG is whole if the checksums of all its parts are right (PNG specification, 5.3). Whether it decodes is not
    tried: that takes ten times as long, for 112,120 films nine minutes of two cores in every command. Others have no
    checksums and are decoded.
    """
    try:
        with Image.open(path) as picture:
            if picture.format == "PNG" and picture.tile:
                picture.verify()
            else:
                picture.load()
    except FileNotFoundError:
        return f"{path.name}: missing"
    except (OSError, SyntaxError, UnidentifiedImageError) as error:
        return f"{path.name}: unreadable ({error})"
    return None


def picture_problems(paths: Sequence[Path]) -> dict[Path, str]:
    """Each picture that has a problem, with the problem. Uses all cores, and shows progress if there are many."""
    with shown_progress("Checking pictures", len(paths)) as advance, ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = {}
        for path, problem in zip(paths, pool.map(picture_problem, paths), strict=True):
            advance(1)
            if problem is not None:
                problems[path] = problem
        return problems


def cells(values: NDArray[Any], rows: int, columns: int) -> NDArray[np.float32]:
    """The mean of a mask's values in each of `rows` x `columns` cells."""
    shrunk = Image.fromarray(values.astype(np.float32)).resize((columns, rows), Image.Resampling.BOX)
    return np.asarray(shrunk, dtype=np.float32)


def read_gray(path: Path) -> NDArray[np.uint8]:
    """The picture at `path` as 8-bit gray, shape (rows, columns). Raises OSError if it cannot be decoded."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"), dtype=np.uint8)
