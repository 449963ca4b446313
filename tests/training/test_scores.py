"""Measures, on cases that can be worked out by hand."""

import numpy as np
import pytest

from leapfrog_training.scores import auroc, bootstrap, dice, operating_point, overlaps


def test_auroc_is_the_share_of_pairs_in_order_with_ties_half() -> None:
    positive = np.array([True, True, False, False])
    assert auroc(positive, np.array([0.9, 0.4, 0.4, 0.1])) == pytest.approx((1 + 1 + 0.5 + 1) / 4)


def test_auroc_of_one_kind_only_is_not_a_number() -> None:
    assert np.isnan(auroc(np.array([True, True]), np.array([0.1, 0.2])))


def test_an_operating_point_is_shares_of_positives_and_negatives() -> None:
    point = operating_point(np.array([True, True, False, False, False]), np.array([True, False, True, False, False]))
    assert point.sensitivity == 0.5
    assert point.specificity == pytest.approx(2 / 3)


def test_dice_of_half_overlapping_squares() -> None:
    first, second = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    first[:, :2], second[:, 1:3] = True, True
    assert dice(first, second) == 0.5
    assert dice(np.zeros(3, bool), np.zeros(3, bool)) == 1.0


def test_the_interval_holds_the_value_and_is_wider_when_records_share_a_patient() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=20), 10)
    alone = bootstrap([str(k) for k in range(200)], lambda chosen: float(values[chosen].mean()))
    shared = bootstrap([str(k // 10) for k in range(200)], lambda chosen: float(values[chosen].mean()))
    assert alone.low < alone.value < alone.high
    assert shared.high - shared.low > 2 * (alone.high - alone.low)


def test_finding_nothing_anywhere_scores_on_the_kaggle_metric_and_not_where_something_is_drawn() -> None:
    drawn, empty = np.ones((4, 4), bool), np.zeros((4, 4), bool)
    measured = overlaps([empty] * 4, [drawn, drawn, empty, empty])
    assert (measured.kaggle, measured.not_empty, measured.empty_left_empty) == (0.5, 0.0, 1.0)


def test_something_found_where_nothing_is_costs_the_whole_picture() -> None:
    drawn, empty = np.ones((4, 4), bool), np.zeros((4, 4), bool)
    measured = overlaps([drawn, drawn], [drawn, empty])
    assert (measured.kaggle, measured.not_empty, measured.empty_left_empty) == (0.5, 1.0, 0.0)
