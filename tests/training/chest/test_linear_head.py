"""The linear head against what is known of it."""

import numpy as np
import pytest

from leapfrog_training.chest import linear_head as module
from leapfrog_training.chest.linear_head import linear_head

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(3, 2, (300, 4)).astype(np.float32)
TRUTH = np.array([1.0, -2.0, 0.0, 0.5])


def test_a_known_law_is_found_when_the_penalty_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PENALTY", 1e-9)
    features = RANDOM.normal(0, 1, (20_000, 4)).astype(np.float32)
    chance = 1 / (1 + np.exp(-(features @ TRUTH + 0.3)))
    labels = (RANDOM.random(20_000) < chance).astype(np.float32)[:, None]
    weights, bias = linear_head(features, labels, np.ones_like(labels))
    assert weights[:, 0] == pytest.approx(TRUTH, abs=0.08)
    assert bias[0] == pytest.approx(0.3, abs=0.08)


def test_at_the_answer_the_slope_is_nothing() -> None:
    labels = (FEATURES[:, :2] > 3).astype(np.float32)
    counts = RANDOM.uniform(0.5, 2, labels.shape).astype(np.float32)
    weights, bias = linear_head(FEATURES, labels, counts)
    spread = FEATURES.std(axis=0) + 1e-3
    standardized = (FEATURES - FEATURES.mean(axis=0)) / spread
    error = counts * (1 / (1 + np.exp(-(FEATURES @ weights + bias))) - labels) / len(FEATURES)
    slope = standardized.T @ error + 2 * module.PENALTY * weights * spread[:, None]
    assert np.abs(slope).max() < 1e-4
    assert np.abs(error.sum(axis=0)).max() < 1e-4


def test_a_film_that_counts_twice_is_as_good_as_two() -> None:
    labels = (FEATURES[:, :1] > 3).astype(np.float32)
    counts = np.ones_like(labels)
    counts[:50] = 2
    once, _ = linear_head(FEATURES, labels, counts * np.float32(len(FEATURES) / 350))
    twice = np.concatenate([FEATURES, FEATURES[:50]])
    standard = (twice.mean(axis=0), twice.std(axis=0))
    again, _ = linear_head(twice, np.concatenate([labels, labels[:50]]), np.ones((350, 1), np.float32))
    assert once[:, 0] * FEATURES.std(axis=0) == pytest.approx(again[:, 0] * standard[1], rel=0.1)


def test_a_finding_that_every_film_carries_is_no_trouble() -> None:
    weights, bias = linear_head(FEATURES, np.ones((300, 1), np.float32), np.ones((300, 1), np.float32))
    assert np.isfinite(weights).all() and np.isfinite(bias).all()
