"""The pointing game."""

import numpy as np
import pytest

from leapfrog_training.datasets.chestxray14 import Box
from leapfrog_training.localisation import Pointing, chance_of_hitting, hottest_point, wilson


def test_the_hottest_point_is_where_the_map_is_hottest() -> None:
    heat = np.zeros((7, 7), np.float32)
    heat[1, 5] = 3.0
    assert hottest_point(heat) == pytest.approx((5.5 / 7, 1.5 / 7), abs=0.02)


@pytest.mark.parametrize(
    ("x", "y", "hits"), [(0.3, 0.6, True), (0.2, 0.5, True), (0.41, 0.6, False), (0.3, 0.9, False)]
)
def test_a_point_hits_within_the_box_and_on_its_edge(x: float, y: float, hits: bool) -> None:
    assert Pointing(Box("Edema", 0.2, 0.5, 0.2, 0.3), x, y).hits is hits


def test_chance_is_the_mean_area_of_the_boxes() -> None:
    boxes = [Box("Edema", 0, 0, 0.5, 0.5), Box("Edema", 0, 0, 0.1, 0.5)]
    assert chance_of_hitting([Pointing(box, 0, 0) for box in boxes]) == pytest.approx(0.15)


def test_wilson_s_interval_is_that_of_the_textbook() -> None:
    assert wilson(9, 10) == pytest.approx((0.596, 0.982), abs=0.001)
    assert wilson(0, 5)[0] == 0.0
