"""What lies within an outline, and the threshold that is chosen from readings."""

from pathlib import Path

import numpy as np
import pytest

from leapfrog.evaluation.masks import Overlap
from leapfrog.exam import Code, Finding
from leapfrog_training.datasets.nerve import NerveImage
from leapfrog_training.nerve.evaluation import best_threshold
from leapfrog_training.nerve.reading import NerveReading, within

CODE = Code(value="36582005", scheme="SCT", meaning="Brachial plexus")


def finding(contour: tuple[tuple[float, float], ...] | None) -> Finding:
    return Finding(
        name="Brachial plexus",
        code=CODE,
        score=0.9,
        threshold=0.5,
        flagged=contour is not None,
        contour=None if contour is None else (contour,),
    )


def reading(score: float, dice: float, *, has_nerve: bool) -> NerveReading:
    """A picture whose outline has 100 pixels, as many as a drawn nerve has."""
    overlap = Overlap(both=round(100 * dice), mask=100, truth=100 * has_nerve)
    image = NerveImage(Path("1_1.tif"), Path("1_1_mask.tif"), patient="1", split="train", has_nerve=has_nerve)
    return NerveReading(image, score, outlined=True, overlap=overlap)


def test_what_lies_within_an_outline_is_filled_at_the_pictures_size() -> None:
    mask = within(finding(((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))), rows=400, columns=600)
    assert mask.shape == (400, 600)
    assert mask.mean() == pytest.approx(0.25, rel=0.01)
    assert mask[200, 300] and not mask[50, 300]


def test_without_an_outline_nothing_lies_within() -> None:
    assert not within(finding(None), rows=4, columns=6).any()


def test_the_threshold_keeps_true_outlines_and_drops_false_ones() -> None:
    readings = [
        reading(0.9, 0.8, has_nerve=True),
        reading(0.82, 0.7, has_nerve=True),
        reading(0.71, 0.0, has_nerve=False),
    ]
    assert best_threshold(readings) == pytest.approx(0.75)


def test_where_every_outline_is_true_the_threshold_stays_low() -> None:
    assert best_threshold([reading(0.6, 0.8, has_nerve=True)] * 3) == 0.5


def test_a_nerve_below_the_threshold_counts_as_missed_and_an_empty_picture_as_right() -> None:
    assert np.array_equal(
        [reading(0.6, 0.8, has_nerve=True).dice_at(0.7), reading(0.6, 0.0, has_nerve=False).dice_at(0.7)], [0.0, 1.0]
    )
