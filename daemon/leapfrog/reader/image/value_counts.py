"""How often each value occurs in a picture.

A film has 5 million pixels and 4,096 values. What is asked of all its pixels, such as the range that most of them have,
is quicker to find from how often each value occurs, and needs none of the large arrays that sorting them does.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

LARGEST_COUNTED_BITS = 16
BLOCK_PIXELS = 1 << 16  # counted at a time: numpy makes numbers of 8 bytes of each

Values = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class ValueCounts:
    """`values` rise. Of each, `up_to` says how many pixels have it or a lower one. Both have one dimension and the same
    length.
    """

    values: Values
    up_to: Counts

    @classmethod
    def of(cls, values: Values, counts: Counts) -> Self:
        """Values in any order, with how often each occurs."""
        order = np.argsort(values, kind="stable")
        return cls(values[order], np.cumsum(counts[order]))

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.up_to[-1]) if self.up_to.size else 0

    def without_ends(self, percent: float) -> tuple[float, float]:
        """The lowest and the highest value without so many percent of them at each end. There is at least one."""
        return self._percentile(percent), self._percentile(100 - percent)

    def _percentile(self, percent: float) -> float:
        """The very number that np.percentile gives, to the last bit."""
        place = (self.count - 1) * (percent / 100)
        before = int(place)
        share = place - before
        lower, upper = self._at(before), self._at(min(before + 1, self.count - 1))
        return upper - (upper - lower) * (1 - share) if share >= 0.5 else lower + (upper - lower) * share

    def _at(self, place: int) -> float:
        """The value at a place, from 0, among all in rising order."""
        return float(self.values[np.searchsorted(self.up_to, place, side="right")])

    def share_within(self, lowest: float, highest: float) -> float:
        """The share of values from `lowest` to `highest`; there is at least one value."""
        first = np.searchsorted(self.values, lowest, side="left")
        end = np.searchsorted(self.values, highest, side="right")
        before = self.up_to[first - 1] if first else 0
        return max(0, int((self.up_to[end - 1] if end else 0) - before)) / self.count


def counted(samples: NDArray[Any]) -> tuple[NDArray[Any], Counts]:
    """The different numbers in `samples` (rows, columns), of the same type and rising, and how often each occurs; two
    arrays of one dimension and the same length.
    """
    if samples.dtype.kind != "u" or samples.itemsize * 8 > LARGEST_COUNTED_BITS:
        numbers, counts = np.unique(samples, return_counts=True)
        return numbers, counts.astype(np.int64)
    of_all = np.zeros(1 << (8 * samples.itemsize), np.int64)
    rows = max(1, BLOCK_PIXELS // max(1, samples.shape[-1]))
    for start in range(0, len(samples), rows):
        of_block = np.bincount(samples[start : start + rows].reshape(-1))
        of_all[: len(of_block)] += of_block
    patterns = np.flatnonzero(of_all)
    return patterns.astype(samples.dtype), of_all[patterns]
