"""Which part of a picture a segmenter is shown, and how good its masks are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leapfrog.reader.assess.segmentation import PictureArea, cut, model_area
from leapfrog_training.evaluate.measured import Bounds, Measured
from leapfrog_training.evaluate.scores import Overlap, Resamples, bounds, pooled_dice


class MaskScores(Measured):
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


def as_shown(gray: NDArray[np.uint8], input_aspect: float) -> tuple[PictureArea, NDArray[np.uint8]]:
    """The area that the kiosk shows to a segmenter whose input has this aspect (width / height), and its pixels, for a
    picture (rows, columns) without burnt-in text. Black is added if the aspects differ much.
    """
    rows, columns = gray.shape
    box = (0, 0, columns, rows)
    area = model_area(box, (rows, columns), input_aspect)
    return area, cut(gray, area, box)


def mask_scores(overlaps: Sequence[Overlap], draws: Resamples) -> MaskScores:
    """Measure masks; `draws` are over the patients of the same pictures in the same order."""
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
