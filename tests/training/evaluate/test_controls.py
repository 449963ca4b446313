"""Films changed to show what a network looks at."""

import numpy as np
import pytest

from leapfrog.reader.image.fields.exposed_field import exposed_field
from leapfrog_training.evaluate.changes import CHANGES
from leapfrog_training.evaluate.controls import (
    Gray,
    border_alone,
    distance_from_lungs,
    histogram,
    lungs_in,
    lungs_masked,
    with_grays,
)


def film(seed: int = 0, low: int = 60, high: int = 200, side: int = 100) -> Gray:
    return np.random.default_rng(seed).integers(low, high, (side, side), dtype=np.uint8)


def collimated() -> Gray:
    """A film of which only the part from row 10 to 90 and from column 30 to 80 was exposed."""
    dark = np.zeros((100, 100), np.uint8)
    dark[10:90, 30:80] = film()[10:90, 30:80]
    return dark


def test_masked_lungs_tell_nothing_of_what_was_in_them() -> None:
    one = film()
    inside = distance_from_lungs(one) <= 1
    other = one.copy()
    other[inside] = np.random.default_rng(1).permutation(one[inside])
    assert not np.array_equal(one, other)
    assert np.array_equal(lungs_masked(one), lungs_masked(other))
    assert np.array_equal(lungs_masked(one)[~inside], one[~inside])
    assert 0.35 < inside.mean() < 0.5


def test_the_ellipses_lie_in_the_exposed_field() -> None:
    assert exposed_field(collimated()) == (30, 10, 80, 90)
    rows, columns = np.nonzero(distance_from_lungs(collimated()) <= 1)
    assert (columns.min() >= 30, columns.max() < 80, rows.min() >= 10, rows.max() < 90) == (True,) * 4


def test_masked_lungs_have_the_gray_of_the_exposed_field_and_not_of_what_the_collimator_hid() -> None:
    dark = collimated()
    filled = lungs_masked(dark)[distance_from_lungs(dark) <= 1]
    assert np.ptp(filled) == 0
    assert filled[0] == round(float(dark[10:90, 30:80].mean())) > dark.mean() + 30


def test_the_border_alone_tells_nothing_of_the_inside() -> None:
    alone = border_alone(film())
    assert np.ptp(alone[12:-12, 12:-12]) == 0
    assert np.array_equal(alone[:12], film()[:12])
    darker_inside = film()
    darker_inside[12:-12, 12:-12] //= 4
    assert np.array_equal(border_alone(darker_inside), alone)


def test_other_grays_keep_the_order_of_the_grays_and_have_the_wanted_histogram() -> None:
    dark, bright = film(low=0, high=100), film(seed=1, low=150, high=250)
    changed = with_grays(dark, histogram(bright))
    order = np.argsort(dark.ravel(), kind="stable")
    assert (np.diff(changed.ravel()[order].astype(int)) >= 0).all()
    assert np.abs(np.cumsum(histogram(changed)) - np.cumsum(histogram(bright))).max() < 0.02


def test_lungs_in_another_frame_are_those_of_one_film_and_the_rest_is_the_others() -> None:
    lungs, frame = film(seed=1), film(seed=2, side=80)
    mixed = lungs_in(lungs, frame)
    distance = distance_from_lungs(lungs)
    assert np.array_equal(mixed[distance < 0.6], lungs[distance < 0.6])
    other = lungs_in(film(seed=1), film(seed=3, side=80))
    assert (mixed[distance > 1.5] != other[distance > 1.5]).mean() > 0.9


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_leaves_a_film_of_the_same_kind_but_another_one(name: str) -> None:
    gradient = np.tile(np.linspace(40, 220, 100, dtype=np.uint8), (100, 1)) + film(low=0, high=20)
    changed = CHANGES[name](gradient)
    assert changed.dtype == np.uint8 and changed.ndim == 2
    assert changed.shape != gradient.shape or not np.array_equal(changed, gradient)
