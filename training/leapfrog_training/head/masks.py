"""What a segmenter of fetal heads should answer."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog_training.datasets.hc18 import filled_outline

OUTLINE_SHARE_OUTSIDE = 0.5  # of the drawn line, counted from its outer edge, that is no longer head


def head_mask(line: NDArray[np.bool_], rows: int, columns: int) -> NDArray[np.float32]:
    """The head as a soft mask (rows, columns), 0 to 1, from its drawn outline: up to the middle of the line.

    A cell on the line holds the part of it that is head. The kiosk draws its contour where the mask crosses one half,
    which is then the middle of the line and not its outer edge.
    """
    inside = filled_outline(line).astype(np.float32) - OUTLINE_SHARE_OUTSIDE * line.astype(np.float32)
    cells = Image.fromarray(inside).resize((columns, rows), Image.Resampling.BOX)
    return np.asarray(cells, dtype=np.float32)
