"""The parts of a mask that are connected by the sides of its cells."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def connected_area(mask: NDArray[np.bool_], seed: Sequence[int | np.intp]) -> NDArray[np.bool_]:
    """The part of `mask` that is connected to `seed` (row, column) by the sides of cells, grown ring by ring."""
    area = np.zeros_like(mask)
    area[int(seed[0]), int(seed[1])] = mask[int(seed[0]), int(seed[1])]
    while True:
        grown = area.copy()
        grown[1:] |= area[:-1]
        grown[:-1] |= area[1:]
        grown[:, 1:] |= area[:, :-1]
        grown[:, :-1] |= area[:, 1:]
        grown &= mask
        if np.array_equal(grown, area):
            return area
        area = grown


def largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part; empty if the mask is."""
    parts = labelled(mask)
    return np.asarray(mask & (parts == int(np.bincount(parts[mask], minlength=1).argmax())))


def parts_of(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Each connected part of the mask, by itself."""
    parts = labelled(mask)
    return [mask & (parts == number) for number in np.unique(parts[mask])]


def labelled(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """A number from 0 on for each cell of the mask, the same for all that are connected; other cells have any.

    Each row's runs are joined with those that they touch in the row above, each two once for each stretch along which
    they touch.
    """
    starts = _starts(mask)
    run = np.cumsum(starts.ravel()).reshape(mask.shape) - 1  # the number of each cell's run
    root = list(range(int(starts.sum())))
    touching = _starts(mask[1:] & mask[:-1])
    for one, two in zip(run[1:][touching].tolist(), run[:-1][touching].tolist(), strict=True):
        low, high = sorted((_root(root, one), _root(root, two)))
        root[high] = low
    joined = np.array([_root(root, one) for one in range(len(root))] or [0], np.intp)
    return np.asarray(joined[run])


def _starts(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The first cell of each run of cells in a row of the mask."""
    before = np.pad(mask, ((0, 0), (1, 0)))[:, :-1]
    return mask & ~before


def _root(root: list[int], one: int) -> int:
    while root[one] != one:
        root[one] = one = root[root[one]]
    return one
