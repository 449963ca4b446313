"""Parts of a scan: those without any nerve, and random ones.

Each picture of the set with several regions shows a nerve. So what a model does where there is none can only be seen in
parts that were cut off beside the nerves.
"""

import numpy as np
from numpy.typing import NDArray

from leapfrog.reader.image.pixels import PixelRegion

LEAST_SIDE = 0.4  # of the scan's width and height: a smaller part looks like no scan
CLEARANCE = 0.02  # of the scan's width or height between a nerve and a part without one
TRIES = 20

Mask = NDArray[np.bool_]


def nerve_free_parts(nerve: Mask, field: PixelRegion) -> tuple[PixelRegion, ...]:
    """The parts of the scan in `field` left of all nerves, right of them, above and below, of those that are large
    enough; `nerve` has the whole picture's shape. The whole scan if there is no nerve in it.
    """
    left, top, right, bottom = field
    rows, columns = np.nonzero(nerve[top:bottom, left:right])
    if len(rows) == 0:
        return (field,)
    width, height = right - left, bottom - top
    aside, away = 1 + int(CLEARANCE * width), 1 + int(CLEARANCE * height)
    parts = (
        (left, top, left + int(columns.min()) - aside, bottom),
        (left + int(columns.max()) + 1 + aside, top, right, bottom),
        (left, top, right, top + int(rows.min()) - away),
        (left, top + int(rows.max()) + 1 + away, right, bottom),
    )
    return tuple(
        part for part in parts if part[2] - part[0] >= LEAST_SIDE * width and part[3] - part[1] >= LEAST_SIDE * height
    )


def random_part(box: PixelRegion, smallest: float, generator: np.random.Generator) -> PixelRegion:
    """A random part of `box`, of at least `smallest` of its width and height."""
    left, top, right, bottom = box
    width = max(1, int((right - left) * generator.uniform(smallest, 1)))
    height = max(1, int((bottom - top) * generator.uniform(smallest, 1)))
    left += int(generator.integers(right - left - width + 1))
    top += int(generator.integers(bottom - top - height + 1))
    return left, top, left + width, top + height


def random_part_with(nerve: Mask, box: PixelRegion, smallest: float, generator: np.random.Generator) -> PixelRegion:
    """A random part of `box` with at least half of its nerve; `box` itself if none was found in a few tries."""
    least = _pixels(nerve, box) / 2
    for _ in range(TRIES):
        part = random_part(box, smallest, generator)
        if _pixels(nerve, part) >= least:
            return part
    return box


def _pixels(nerve: Mask, box: PixelRegion) -> int:
    left, top, right, bottom = box
    return int(nerve[top:bottom, left:right].sum())
