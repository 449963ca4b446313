"""Whether a heat map points at what a radiologist marked. Runs on the training machine only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog_training.datasets.chestxray14 import Box

FINE_SIDE = 56  # cells to which the kiosk enlarges a map before it looks for the hottest point
NORMAL_95 = 1.96


@dataclass(frozen=True)
class Pointing:
    """One box and the hottest point of the map of its finding, both as fractions of the film."""

    box: Box
    x: float
    y: float

    @property
    def hits(self) -> bool:
        """Whether the point lies in the box."""
        inside_x = self.box.left <= self.x <= self.box.left + self.box.width
        return inside_x and self.box.top <= self.y <= self.box.top + self.box.height


def hottest_point(heat: NDArray[np.floating]) -> tuple[float, float]:
    """Where a map (rows, columns) over the whole film is hottest: x and y as fractions."""
    fine = np.asarray(
        Image.fromarray(heat.astype(np.float32)).resize((FINE_SIDE, FINE_SIDE), Image.Resampling.BILINEAR)
    )
    row, column = np.unravel_index(int(fine.argmax()), fine.shape)
    return (float(column) + 0.5) / FINE_SIDE, (float(row) + 0.5) / FINE_SIDE


def chance_of_hitting(pointings: Sequence[Pointing]) -> float:
    """The share of hits of a point thrown anywhere on the film: the mean area of the boxes."""
    return float(np.mean([one.box.width * one.box.height for one in pointings]))


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), sound for few cases."""
    share, square = hits / count, NORMAL_95**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    reach = NORMAL_95 / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)
