"""Masks as a segmenter gives them, made of squares."""

import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 64, 96
CHAMFERS = 0.5  # cells: a line through the middles of the sides cuts an eighth off each corner of a square
SURE, UNSURE = 1.0, 0.6


def square(top: int, left: int, side: int, value: float = SURE) -> NDArray[np.float32]:
    """A mask (ROWS, COLUMNS) that is `value` in a square and 0 beside it."""
    mask = np.zeros((ROWS, COLUMNS), np.float32)
    mask[top : top + side, left : left + side] = value
    return mask
