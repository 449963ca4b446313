"""Dice over pictures that may show nothing."""

import pytest

from leapfrog_training.evaluate.scores import Overlap, resample
from leapfrog_training.evaluate.segmentation import mask_scores


def test_an_empty_mask_of_an_empty_picture_counts_for_kaggle_only() -> None:
    overlaps = [Overlap(0, 0, 0), Overlap(0, 0, 0), Overlap(0, 0, 50), Overlap(40, 50, 50)]
    scores = mask_scores(overlaps, resample(["1", "2", "3", "4"]))
    assert scores.kaggle.value == pytest.approx((1 + 1 + 0 + 0.8) / 4)
    assert scores.non_empty is not None and scores.non_empty.value == pytest.approx((0 + 0.8) / 2)
    assert scores.pooled == pytest.approx(80 / 150)
    assert (scores.pictures, scores.non_empty_pictures) == (4, 2)


def test_what_is_drawn_where_nothing_is_costs_the_whole_picture() -> None:
    scores = mask_scores([Overlap(0, 3, 0), Overlap(0, 0, 0)], resample(["1", "2"]))
    assert scores.kaggle.value == pytest.approx(0.5)
    assert scores.non_empty is None
