"""How good outlines are: masks compared with true ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leapfrog.evaluation.measured import Bounds
from leapfrog.evaluation.scores import Resamples, Truth, bounds
from leapfrog.exam import Frozen


@dataclass(frozen=True)
class Overlap:
    """A mask compared with the true one: the number of pixels in both, in the mask, and in the true mask."""

    both: int
    mask: int
    truth: int

    @property
    def dice(self) -> float:
        """Twice the overlap over the sum of both areas; 1 when both are empty."""
        total = self.mask + self.truth
        return 2.0 * self.both / total if total else 1.0


class MaskScores(Frozen):
    """Dice of masks against true ones, computed in three ways.

    `pooled` treats all pictures as one. `non_empty` is the mean over the pictures that show the structure; None without
    any. `kaggle` is the mean over all pictures, where an empty mask of an empty picture counts 1: the metric of
    Kaggle's Ultrasound Nerve Segmentation, in which drawing nothing at all reaches about .5. It equals `non_empty` if
    every picture shows the structure.
    """

    pictures: int
    non_empty_pictures: int
    pooled: float
    non_empty: Bounds | None
    kaggle: Bounds


def overlap(mask: Truth, truth: Truth) -> Overlap:
    """Compare two masks of the same shape."""
    return Overlap(int((mask & truth).sum()), int(mask.sum()), int(truth.sum()))


def pooled_dice(overlaps: Sequence[Overlap]) -> float:
    """Dice over all pictures as if they were one: large structures count more, and empty pictures only if their mask is
    not empty.
    """
    total = sum(one.mask + one.truth for one in overlaps)
    return 2.0 * sum(one.both for one in overlaps) / total if total else 1.0


def mask_scores(overlaps: Sequence[Overlap], draws: Resamples) -> MaskScores:
    """Measure masks; `draws` are over the patients of the same pictures in the same order. Raises ValueError without
    any picture.
    """
    values = np.array([one.dice for one in overlaps])
    shown = np.array([one.truth > 0 for one in overlaps])
    kaggle = bounds(draws.mean(values))
    if kaggle is None:
        raise ValueError("at least one picture's mask is needed")
    return MaskScores(
        pictures=len(overlaps),
        non_empty_pictures=int(shown.sum()),
        pooled=pooled_dice(overlaps),
        non_empty=bounds(draws.among(shown).mean(values)) if shown.any() else None,
        kaggle=kaggle,
    )
