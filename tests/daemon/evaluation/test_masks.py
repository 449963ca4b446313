"""Dice over pictures that may show nothing."""

import numpy as np
import pytest

from leapfrog.evaluation.masks import Overlap, mask_scores, overlap, pooled_dice
from leapfrog.evaluation.scores import resample


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


def test_dice_of_half_overlapping_squares() -> None:
    first, second = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    first[:, :2], second[:, 1:3] = True, True
    assert overlap(first, second) == Overlap(both=4, mask=8, truth=8)
    assert overlap(first, second).dice == 0.5
    assert Overlap(0, 0, 0).dice == 1.0


def test_pooled_dice_weighs_by_area() -> None:
    assert pooled_dice([Overlap(90, 100, 100), Overlap(0, 0, 20)]) == pytest.approx(180 / 220)
    assert pooled_dice([Overlap(0, 0, 0)]) == 1.0
