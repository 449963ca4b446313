"""The free outline of a part of a mask: a closed line of any shape, and the area inside."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

CELL_EDGE = 0.5  # cells from a cell's middle to its edge: where the line runs along the mask's edge
ABOVE, RIGHT, BELOW, LEFT = (-1, 0), (0, 1), (1, 0), (0, -1)  # (rows, columns)
CLOCKWISE = (ABOVE, RIGHT, BELOW, LEFT)

Cell = tuple[int, int]  # row, column


@dataclass(frozen=True)
class Outline:
    """A closed line as points (n, 2) of (x, y), clockwise on the screen."""

    points: NDArray[np.float64]

    @property
    def area(self) -> float:
        """The area inside, in the points' unit squared (shoelace formula)."""
        x, y = self.points[:, 0], self.points[:, 1]
        return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2

    def thinned(self, most: int) -> Self:
        """The outline with at most `most` evenly chosen points, for drawing."""
        chosen = np.linspace(0, len(self.points), min(most, len(self.points)), endpoint=False).astype(int)
        return replace(self, points=self.points[chosen])


def trace(mask: NDArray[np.float32], level: float) -> Outline | None:
    """The outer line of the mask's only part at `level`, in cells (a cell's middle is at half); None without a part.

    Walks once around the border between inner and outer cells. Each step gives the point at which the mask crosses the
    level, interpolated linearly between the two cells' middles, so the line is finer than the cells.
    """
    inside = mask >= level
    if not inside.any():
        return None
    row, column = np.unravel_index(int(inside.argmax()), inside.shape)
    start = cell = (int(row), int(column))  # the first cell of the topmost row: nothing is above it
    side = 0
    points: list[tuple[float, float]] = []
    while True:
        outer = _beside(cell, CLOCKWISE[side])
        is_seen = _lies_in(outer, mask.shape)
        way = _crossing(float(mask[cell]), float(mask[outer]), level) if is_seen else CELL_EDGE
        points.append((cell[1] + 0.5 + way * CLOCKWISE[side][1], cell[0] + 0.5 + way * CLOCKWISE[side][0]))
        cell, side = _next_border(inside, cell, side)
        if (cell, side) == (start, 0):
            return Outline(np.array(points))


def _next_border(inside: NDArray[np.bool_], cell: Cell, side: int) -> tuple[Cell, int]:
    """The next piece of border, clockwise: around the corner of this cell, along the next one, or into a notch. Cells
    that only touch at a corner are not connected, as in `connected_area`.
    """
    ahead = (side + 1) % len(CLOCKWISE)
    forward = _beside(cell, CLOCKWISE[ahead])
    if not _is_inside(inside, forward):
        return cell, ahead
    diagonal = _beside(forward, CLOCKWISE[side])
    if not _is_inside(inside, diagonal):
        return forward, side
    return diagonal, (side - 1) % len(CLOCKWISE)


def _crossing(within: float, without: float, level: float) -> float:
    """Where the level is crossed, from the middle of the inner cell (0) to that of the outer one (1)."""
    return (within - level) / (within - without)


def _beside(cell: Cell, step: Cell) -> Cell:
    return cell[0] + step[0], cell[1] + step[1]


def _lies_in(cell: Cell, shape: tuple[int, ...]) -> bool:
    return 0 <= cell[0] < shape[0] and 0 <= cell[1] < shape[1]


def _is_inside(inside: NDArray[np.bool_], cell: Cell) -> bool:
    return _lies_in(cell, inside.shape) and bool(inside[cell])
