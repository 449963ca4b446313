"""The films that chest-child is trained on: nothing but the lungs tells their answer."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")

from leapfrog_training.child.mixing import UNKNOWN, made_up_examples
from leapfrog_training.datasets.children_kermany import ChildFilm, Diagnosis
from leapfrog_training.evaluate.controls import distance_from_lungs

SIDE = 48
COUNT = 400
MIDDLE_OF_A_LUNG = 0.4  # of the ellipse's half axes: every mask and every frame leaves or covers it whole


def children() -> list[ChildFilm]:
    kinds = [Diagnosis.NORMAL, Diagnosis.BACTERIAL, Diagnosis.VIRAL, Diagnosis.BACTERIAL] * 5
    return [ChildFilm(Path(f"{number}"), str(number), kind, "train") for number, kind in enumerate(kinds)]


def pictures(films: list[ChildFilm]) -> NDArray[np.uint8]:
    """Healthy: stripes in the lungs and an even frame. Sick: even lungs and a striped frame; the same mean gray."""
    stripes = np.where(np.arange(SIDE)[np.newaxis, :] % 2, 160, 100) * np.ones((SIDE, 1))
    even = np.full((SIDE, SIDE), 130.0)
    lungs = distance_from_lungs(even.astype(np.uint8)) <= 1
    shown = [np.where(lungs != film.has_pneumonia, stripes, even) for film in films]
    return np.stack(shown).astype(np.uint8)[..., np.newaxis]


def striped(film: NDArray[np.uint8], where: NDArray[np.bool_]) -> bool:
    along = np.abs(np.diff(film.astype(float), axis=1))[:, :][where[:, 1:]]
    return bool(along.mean() > 8)


@pytest.fixture(scope="module")
def made() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    films = children()
    examples = made_up_examples(films, pictures(films), COUNT, seed=4)
    return examples.pictures[np.arange(COUNT)][..., 0], examples.targets[:, 0]


def test_half_of_the_films_with_lungs_are_healthy_and_one_in_four_hides_them(
    made: tuple[NDArray[np.uint8], NDArray[np.float32]],
) -> None:
    _, targets = made
    assert (targets == UNKNOWN).mean() == pytest.approx(0.25, abs=0.06)
    assert targets[targets != UNKNOWN].mean() == pytest.approx(0.5, abs=0.07)


def test_the_lungs_tell_the_answer_and_the_frame_does_not(
    made: tuple[NDArray[np.uint8], NDArray[np.float32]],
) -> None:
    films, targets = made
    distance = distance_from_lungs(np.full((SIDE, SIDE), 130, np.uint8))
    lungs, corner = distance < MIDDLE_OF_A_LUNG, distance > 1.7
    shown = targets != UNKNOWN
    lung_is_striped = np.array([striped(film, lungs) for film in films])
    frame_is_striped = np.array([striped(film, corner) for film in films])
    assert (lung_is_striped[shown] == (targets[shown] == 0)).mean() > 0.95
    # One film in five (15 of 75 with lungs) keeps its own frame, which then says the same as its lungs.
    assert (frame_is_striped[shown] == (targets[shown] == 1)).mean() < 0.7


def test_a_film_is_the_same_whenever_it_is_read_and_another_seed_makes_others() -> None:
    films = children()
    first, again, other = (made_up_examples(films, pictures(films), 20, seed).pictures for seed in (1, 1, 2))
    assert np.array_equal(first[np.array([7, 3])], again[:][[7, 3]])
    assert not np.array_equal(first[:], other[:])


def test_films_of_every_diagnosis_are_needed() -> None:
    healthy = [film for film in children() if not film.has_pneumonia]
    with pytest.raises(ValueError, match="none of bacteria, virus"):
        made_up_examples(healthy, pictures(healthy), 20, seed=1)
