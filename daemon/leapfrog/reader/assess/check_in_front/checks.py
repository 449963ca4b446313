"""Opens a package's check in front, whichever format its `quality.npz` has."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from leapfrog.errors import PackageError
from leapfrog.exam import Quality
from leapfrog.language.sentence import sentence
from leapfrog.reader.assess.check_in_front.arrays import read_arrays
from leapfrog.reader.assess.check_in_front.defects import FORMAT, DefectCheck
from leapfrog.reader.assess.check_in_front.quality import QualityCheck

CANNOT_BE_USED = (
    OSError, EOFError, ValueError, LookupError, TypeError, ArithmeticError, NotImplementedError, RuntimeError,
    BadZipFile, zlib.error,
)  # fmt: skip

CANNOT_BE_USED_HERE = sentence("{file} of model package {package} cannot be used: {why}")


class PictureCheck(Protocol):
    """Tells whether a picture is one that the model may read."""

    def check(self, picture: NDArray[np.uint8], shown: NDArray[np.uint8] | None = None) -> Quality:
        """Check the model's input `picture`; `shown` has the same part as it is displayed, in all its pixels. Raises
        ValueError if `picture` has not the model's height and width.
        """


def load_check(path: Path, shape: tuple[int, int]) -> PictureCheck:
    """Read `quality.npz` of a package whose model takes pictures of `shape` (height, width).

    Raises PackageError if it is missing, damaged, for other pictures, or in a format that is not known here.
    """
    try:
        arrays = {name: _widened(array) for name, array in read_arrays(path).items()}
        made_for = int(arrays["format"]) if "format" in arrays else 1
        if made_for > FORMAT:
            raise ValueError(f"its format {made_for} needs a newer version of Leapfrog")
        _require_sound(arrays, shape)
        return DefectCheck.of_arrays(arrays) if made_for == FORMAT else QualityCheck.of_arrays(arrays)
    except CANNOT_BE_USED as error:
        raise PackageError(
            CANNOT_BE_USED_HERE.format(file=path.name, package=path.parent.name, why=str(error))
        ) from error


def _require_sound(arrays: Mapping[str, NDArray[Any]], shape: tuple[int, int]) -> None:
    """Raise ValueError if these parameters cannot be right, whatever the format. Nothing is computed with them yet: a
    picture of a damaged size would need all of the memory.
    """
    numbers = [value for value in arrays.values() if value.dtype.kind in "fiu"]
    if not all(np.isfinite(value).all() for value in numbers):
        raise ValueError("one of its numbers is not finite")
    made_for = tuple(map(int, arrays["input_shape"]))
    if made_for != shape:
        raise ValueError(f"it is for pictures of {_written(made_for)}, and the model takes {_written(shape)}")
    if not all(1 <= int(arrays[name]) <= min(shape) for name in ("thumbnail_block", "gradient_block")):
        raise ValueError("one of its blocks is not between 1 and the shorter side of the picture")


def _written(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _widened(value: NDArray[Any]) -> NDArray[Any]:
    """Parameters are stored as 16-bit floats to keep the package small, but used in 32 bits."""
    return value.astype(np.float32) if value.dtype == np.float16 else value
