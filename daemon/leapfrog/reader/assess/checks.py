"""Opens a package's check in front, whichever format its `quality.npz` has."""

from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from leapfrog.errors import PackageError
from leapfrog.exam import Quality
from leapfrog.reader.assess.defects import FORMAT, DefectCheck
from leapfrog.reader.assess.quality import QualityCheck


class PictureCheck(Protocol):
    """Tells whether a picture is one that the model may read."""

    def check(self, picture: NDArray[np.uint8], shown: NDArray[np.uint8] | None = None) -> Quality:
        """Check the model's input `picture`; `shown` has the same part as it is displayed, in all its pixels. Raises
        ValueError if `picture` has not the model's height and width.
        """


def load_check(path: Path) -> PictureCheck:
    """Read `quality.npz`. Raises PackageError if it is missing, damaged or in a format that is not known here."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: _widened(archive[name]) for name in archive.files}
        made_for = int(arrays["format"]) if "format" in arrays else 1
        if made_for > FORMAT:
            raise ValueError(f"its format {made_for} needs a newer version of Leapfrog")
        return DefectCheck.of_arrays(arrays) if made_for == FORMAT else QualityCheck.of_arrays(arrays)
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise PackageError(f"{path.name} of model package {path.parent.name} cannot be used: {error}") from error


def _widened(value: NDArray[Any]) -> NDArray[Any]:
    """Parameters are stored as 16-bit floats to keep the package small, but used in 32 bits."""
    return value.astype(np.float32) if value.dtype == np.float16 else value
