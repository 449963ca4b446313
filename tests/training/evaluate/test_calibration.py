"""Calibration."""

import numpy as np
import pytest

from leapfrog.packages.finding_rules import Calibration
from leapfrog_training.evaluate.calibration import calibrated, platt


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


def test_scores_that_are_the_wrong_way_round_are_not_turned() -> None:
    random = np.random.default_rng(2)
    positive = np.arange(200) < 100
    wrong_way = np.where(positive, 0.3, 0.7) + random.normal(0, 0.1, 200)
    assert 0 < platt(positive, wrong_way.astype(np.float32)).a <= 0.01
