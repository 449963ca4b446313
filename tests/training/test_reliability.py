"""Whether scores come true."""

import numpy as np
import pytest

from leapfrog_training.reliability import reliability


def test_scores_that_come_true_have_no_error() -> None:
    scores = np.repeat([0.1, 0.3, 0.5, 0.7, 0.9], 10)
    positive = np.concatenate([np.arange(10) < share for share in (1, 3, 5, 7, 9)])
    measured = reliability(positive, scores)
    assert measured.calibration_error == pytest.approx(0, abs=1e-9)
    assert [group.films for group in measured.groups] == [10] * 5
    assert measured.brier == pytest.approx(np.mean((scores - positive) ** 2))


def test_scores_that_are_too_high_by_a_fifth_have_that_error() -> None:
    scores = np.repeat([0.2, 0.4, 0.6, 0.8, 1.0], 10)
    positive = np.concatenate([np.arange(10) < share for share in (0, 2, 4, 6, 8)])
    assert reliability(positive, scores).calibration_error == pytest.approx(0.2)


def test_fewer_films_than_groups_are_no_trouble() -> None:
    measured = reliability(np.array([True, False]), np.array([0.8, 0.2]))
    assert sum(group.films for group in measured.groups) == 2
