"""Calibration and thresholds."""

import numpy as np
import pytest

from leapfrog.packages.manifest import Calibration
from leapfrog_training.evaluate.calibration import calibrated, flagging_threshold, platt


def test_platt_finds_the_scaling_that_made_the_labels() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=20000)
    positive = random.uniform(size=20000) < 1 / (1 + np.exp(-(0.5 * logits - 1.0)))
    found = platt(positive, 1 / (1 + np.exp(-logits)))
    assert found.a == pytest.approx(0.5, abs=0.06)
    assert found.b == pytest.approx(-1.0, abs=0.06)


def test_calibration_stays_finite_when_scores_separate_the_labels() -> None:
    found = platt(np.array([False] * 5 + [True] * 5), np.array([0.0] * 5 + [1.0] * 5))
    assert np.isfinite([found.a, found.b]).all()
    low, high = calibrated(np.array([0.0, 1.0]), found)
    assert 0 < low < 0.3 < 0.7 < high < 1


def test_calibration_keeps_the_order_of_scores() -> None:
    shown = calibrated(np.linspace(0, 1, 50), Calibration(a=0.7, b=-0.4))
    assert (np.diff(shown) > 0).all()


def test_the_threshold_lies_where_sensitivity_plus_specificity_is_highest() -> None:
    positive = np.array([False, False, False, True, False, True, True])
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    assert flagging_threshold(positive, scores) == pytest.approx(0.35)


def test_a_threshold_never_flags_more_than_three_in_ten_of_the_others() -> None:
    positive = np.array([True] * 10 + [False] * 10)
    scores = np.concatenate([np.linspace(0.30, 0.39, 10), np.linspace(0.05, 0.95, 10)])
    assert (scores[~positive] >= flagging_threshold(positive, scores)).mean() <= 0.3
