"""A segmenter's mask, averaged over mirror images of the picture: each errs differently, so their mean errs less."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_ALIKE = 0.9  # Dice with the picture's own mask; a mirror image with less shows another thing to the model
INSIDE = 0.5
MIRRORED = ((1,), (0,), (0, 1))  # left and right, top and bottom, both: axes of (rows, columns)

Infer = Callable[[NDArray[np.uint8]], Sequence[NDArray[np.float32]]]


@dataclass(frozen=True)
class Averaged:
    """A model's `outputs` with an averaged mask, and how `alike` the masks of the mirror images were to the picture's
    own: their mean Dice. Of a head they are; of what only looks like one, often not.
    """

    outputs: tuple[NDArray[np.float32], ...]
    alike: float


def averaged(infer: Infer, picture: NDArray[np.uint8], outputs: Sequence[NDArray[np.float32]], mask: int) -> Averaged:
    """The `outputs` for a picture (rows, columns) with the one numbered `mask`, (1, rows, columns, ...), averaged over
    the picture's mirror images in which the model outlines the same.
    """
    masks, alike = [outputs[mask]], []
    for axes in MIRRORED:
        answered = infer(np.ascontiguousarray(np.flip(picture, axes)))[mask]
        turned_back = np.flip(answered, tuple(axis + 1 for axis in axes))
        alike.append(_alike(turned_back, outputs[mask]))
        if alike[-1] >= LEAST_ALIKE:
            masks.append(turned_back)
    mean = np.asarray(np.mean(masks, axis=0), dtype=np.float32)
    changed = tuple(mean if index == mask else output for index, output in enumerate(outputs))
    return Averaged(changed, float(np.mean(alike)))


def _alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    first, second = one >= INSIDE, other >= INSIDE
    return 2 * float((first & second).sum()) / max(float(first.sum() + second.sum()), 1.0)
