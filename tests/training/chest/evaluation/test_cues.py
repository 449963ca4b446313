"""Models of one cue: what each can see, and what it cannot."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog.evaluation.scores import auroc
from leapfrog_training.chest.evaluation.cues import (
    CUES,
    Features,
    border,
    brightness,
    cue_scores,
    texture,
    without_lungs,
)
from leapfrog_training.evaluate.controls import Gray, distance_from_lungs

SIDE = 96
SICK = np.arange(60) % 2 == 1
TRAINING = np.arange(60) < 40
Cue = Callable[[Gray], Features]


def film(random: np.random.Generator) -> Gray:
    return random.integers(90, 150, (SIDE, SIDE), dtype=np.uint8)


def films(change: Callable[[Gray], Gray]) -> list[Gray]:
    """Noise; the films of the sick are changed."""
    random = np.random.default_rng(7)
    return [change(film(random)) if sick else film(random) for sick in SICK]


def told(cue: Cue, shown: list[Gray]) -> float:
    """How well a model of the cue, fitted to most of the films, tells the rest."""
    training = [one for one, chosen in zip(shown, TRAINING, strict=True) if chosen]
    others = [one for one, chosen in zip(shown, TRAINING, strict=True) if not chosen]
    weights = np.ones(len(training), np.float32)
    return auroc(SICK[~TRAINING], cue_scores(cue, training, SICK[TRAINING], weights, others))


def brighter(shown: Gray) -> Gray:
    return np.asarray(shown + np.uint8(20))


def smoother(shown: Gray) -> Gray:
    return np.asarray((shown.astype(int) + np.roll(shown, 1, axis=0) + np.roll(shown, 1, axis=1)) // 3, dtype=np.uint8)


def darker_border(shown: Gray) -> Gray:
    changed = shown - np.uint8(20)
    changed[15:-15, 15:-15] = shown[15:-15, 15:-15]
    return changed


def other_lungs(shown: Gray) -> Gray:
    """Opaque on one side, clear on the other, of the same mean."""
    lungs = distance_from_lungs(shown) <= 0.9
    changed = shown.copy()
    changed[lungs] = (shown.astype(int) + np.where(np.arange(SIDE) < SIDE / 2, 40, -40))[lungs]
    return changed


@pytest.mark.parametrize(
    ("cue", "change"),
    [(brightness, brighter), (texture, smoother), (border, darker_border), (without_lungs, darker_border)],
)
def test_a_cue_finds_what_it_is_made_for(cue: Cue, change: Callable[[Gray], Gray]) -> None:
    assert told(cue, films(change)) > 0.95


@pytest.mark.parametrize("cue", [border, without_lungs])
def test_neither_the_border_nor_a_film_without_lungs_tells_what_is_in_the_lungs(cue: Cue) -> None:
    shown = films(other_lungs)
    assert told(CUES["a thumbnail of 16 x 16 pixels"], shown) > 0.95
    with_lungs, without = films(other_lungs), films(lambda one: one)
    for one, other in zip(with_lungs, without, strict=True):
        assert cue(one) == pytest.approx(cue(other), abs=0.005)  # the mean gray, rounded, is all that may differ


def test_a_film_without_weight_does_not_count() -> None:
    """The first half says the opposite of the second; only the second counts."""
    shown = films(brighter)
    says = np.where(np.arange(60) < 20, ~SICK, SICK)
    weights: NDArray[np.float32] = (np.arange(60) >= 20).astype(np.float32)
    assert auroc(SICK, cue_scores(brightness, shown, says, weights, shown)) > 0.95
    assert auroc(SICK, cue_scores(brightness, shown, says, 1 - weights, shown)) < 0.05


@pytest.mark.parametrize("name", CUES)
def test_a_cue_has_as_many_values_for_films_of_every_size(name: str) -> None:
    random = np.random.default_rng(1)
    sizes = {CUES[name](random.integers(0, 256, shape, dtype=np.uint8)).shape for shape in ((96, 96), (200, 130))}
    assert len(sizes) == 1
    assert np.isfinite(CUES[name](np.full((64, 64), 100, np.uint8))).all()
