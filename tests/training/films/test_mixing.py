"""The films that the chest packages are trained on: nothing but the lungs tells their answer."""

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog_training.evaluate.controls import distance_from_lungs
from leapfrog_training.films.mixing import Group, Mixing, made_up_examples
from leapfrog_training.fitting.examples import Examples

SIDE = 48
COUNT = 400
MIDDLE_OF_A_LUNG = 0.4  # of the ellipse's half axes: every mask and every frame leaves or covers it whole
FRAME = 1.7
SICK = np.array([False, True, True, True] * 5)
GROUPS = (Group(np.flatnonzero(~SICK), 0.5), Group(np.flatnonzero(SICK), 0.5))
AS_THEY_ARE = Mixing(in_other_frame=0, hidden=0, other_grays=0, shrunk=0)
MIXED = Mixing(in_other_frame=0.6, hidden=0.25, other_grays=0.8, shrunk=0)
USUAL = 0.5  # the share of the sick among the draws


def pictures() -> NDArray[np.uint8]:
    """Healthy: stripes in the lungs and an even frame. Sick: even lungs and a striped frame; the same mean gray."""
    stripes = np.where(np.arange(SIDE)[np.newaxis, :] % 2, 160, 100) * np.ones((SIDE, 1))
    even = np.full((SIDE, SIDE), 130.0)
    lungs = distance_from_lungs(even.astype(np.uint8)) <= 1
    shown = [np.where(lungs != sick, stripes, even) for sick in SICK]
    return np.stack(shown).astype(np.uint8)[..., np.newaxis]


def made(mixing: Mixing, count: int = COUNT, seed: int = 4, groups: tuple[Group, ...] = GROUPS) -> Examples:
    return made_up_examples(pictures(), SICK[:, np.newaxis].astype(np.float32), groups, mixing, count, seed)


def striped(examples: Examples, where: str) -> NDArray[np.bool_]:
    """Which films have stripes in the middle of the lungs, or in their corners."""
    distance = distance_from_lungs(np.full((SIDE, SIDE), 130, np.uint8))
    area = distance < MIDDLE_OF_A_LUNG if where == "lungs" else distance > FRAME
    films = examples.pictures[:][..., 0].astype(float)
    along = np.abs(np.diff(films, axis=2))[:, area[:, 1:]]
    return np.asarray(along.mean(axis=1) > 8)


@pytest.fixture(scope="module")
def mixed() -> Examples:
    return made(MIXED)


def test_half_of_the_films_with_lungs_are_healthy_and_one_in_four_hides_them(mixed: Examples) -> None:
    targets = mixed.targets[:, 0]
    assert (targets == USUAL).mean() == pytest.approx(0.25, abs=0.06)
    assert targets[targets != USUAL].mean() == pytest.approx(0.5, abs=0.07)


def test_the_lungs_tell_the_answer_and_the_frame_does_not(mixed: Examples) -> None:
    targets = mixed.targets[:, 0]
    shown = targets != USUAL
    assert (striped(mixed, "lungs")[shown] == (targets[shown] == 0)).mean() > 0.95
    # One film in five (15 of 75 with lungs) keeps its own frame, which then says the same as its lungs.
    assert (striped(mixed, "frame")[shown] == (targets[shown] == 1)).mean() < 0.7


def test_a_frame_is_of_a_sick_or_a_healthy_one_by_chance() -> None:
    examples = made(Mixing(in_other_frame=1, hidden=0, other_grays=0, shrunk=0))
    sick, frame = examples.targets[:, 0] == 1, striped(examples, "frame")
    assert frame[sick].mean() == pytest.approx(0.5, abs=0.1)
    assert frame[~sick].mean() == pytest.approx(0.5, abs=0.1)


def test_films_that_are_left_as_they_are_keep_their_frame() -> None:
    examples = made(AS_THEY_ARE, count=40)
    sick = examples.targets[:, 0] == 1
    assert np.array_equal(striped(examples, "frame"), sick)
    assert np.array_equal(striped(examples, "lungs"), ~sick)


def test_where_the_lungs_are_hidden_nothing_is_left_of_them_and_the_answer_is_what_is_usual() -> None:
    """The frame is still there, and tells nothing: its film is to be answered like any other."""
    uneven = (Group(np.flatnonzero(~SICK), 0.8), Group(np.flatnonzero(SICK), 0.2))
    examples = made(Mixing(in_other_frame=0, hidden=1, other_grays=0, shrunk=0), groups=uneven)
    assert examples.targets == pytest.approx(np.full((COUNT, 1), 0.2))
    healthy = ~striped(examples, "frame")
    assert healthy.mean() == pytest.approx(0.8, abs=0.07)
    stripes = np.where(np.arange(SIDE)[np.newaxis, :] % 2, 160, 100) * np.ones((SIDE, 1))
    lungs = distance_from_lungs(np.full((SIDE, SIDE), 130, np.uint8)) < MIDDLE_OF_A_LUNG
    left = [np.array_equal(film[lungs], stripes[lungs]) for film in examples.pictures[:][healthy, :, :, 0]]
    assert not any(left)


def test_groups_are_drawn_from_by_their_shares_however_large_they_are() -> None:
    one, others = Group(np.array([0]), 0.7), Group(np.arange(1, 20), 0.3)
    answers = np.zeros((20, 1), np.float32)
    answers[0] = 1
    examples = made_up_examples(pictures(), answers, (one, others), AS_THEY_ARE, 1000, 1)
    assert examples.targets.mean() == pytest.approx(0.7, abs=0.05)


def test_some_films_are_shrunk_which_takes_their_sharpness() -> None:
    examples = made(Mixing(in_other_frame=0, hidden=0, other_grays=0, shrunk=0.5), count=200)
    whole, some = made(AS_THEY_ARE, count=200).pictures[:].astype(float), examples.pictures[:].astype(float)
    sharpness = [np.abs(np.diff(films, axis=2)).mean(axis=(1, 2, 3)) for films in (some, whole)]
    blurred = sharpness[0] < 0.95 * sharpness[1]
    assert blurred.mean() == pytest.approx(0.5, abs=0.1)


def test_a_film_is_the_same_whenever_it_is_read_and_another_seed_makes_others() -> None:
    first, again, other = (made(MIXED, 20, seed).pictures for seed in (1, 1, 2))
    assert np.array_equal(first[np.array([7, 3])], again[:][[7, 3]])
    assert not np.array_equal(first[:], other[:])


def test_films_of_every_group_are_needed() -> None:
    with pytest.raises(ValueError, match="films of every group are needed"):
        made(MIXED, groups=(*GROUPS, Group(np.array([], np.intp), 0.1)))
