"""Reading the pictures of a data set. Runs on the training machine only."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError


def picture_problem(path: Path) -> str | None:
    """Say what is wrong with the picture at `path`, or None when it decodes whole. Its check sums are read too."""
    try:
        # Pillow warns of damage before it gives up; what it then raises says enough.
        with warnings.catch_warnings(action="ignore"), Image.open(path) as picture:
            picture.load()
    except FileNotFoundError:
        return f"{path.name}: missing"
    except (OSError, SyntaxError, UnidentifiedImageError) as error:
        return f"{path.name}: unreadable ({error})"
    return None


def read_gray(path: Path) -> NDArray[np.uint8]:
    """The picture at `path` as 8-bit gray, shape (rows, columns). Raises OSError when it cannot be decoded."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"), dtype=np.uint8)
