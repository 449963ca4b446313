"""Where heat maps point, and how alike two of them are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog_training.datasets.chestxray14 import BoundingBox
from leapfrog_training.evaluate.heat_maps import BoxWithMap, correlation, pointing_game

UPPER_LEFT = BoundingBox("Pneumonia", left=0.0, top=0.0, width=0.5, height=0.5)
LOWER_RIGHT = BoundingBox("Pneumonia", left=0.75, top=0.75, width=0.25, height=0.25)


def hot_at(row: int, column: int) -> NDArray[np.float32]:
    evidence = np.zeros((7, 7), np.float32)
    evidence[row, column] = 1.0
    return evidence


def test_a_map_hits_when_its_hottest_point_lies_in_the_box() -> None:
    game = pointing_game(
        [
            BoxWithMap("1", UPPER_LEFT, hot_at(1, 2)),
            BoxWithMap("2", UPPER_LEFT, hot_at(2, 1)),
            BoxWithMap("3", LOWER_RIGHT, hot_at(6, 6)),
            BoxWithMap("4", UPPER_LEFT, hot_at(1, 5)),
        ]
    )
    assert game is not None
    assert (game.boxes, game.films, game.hit_rate.value) == (4, 4, 0.75)
    assert game.hit_rate.low < 0.75 < game.hit_rate.high
    assert game.chance == pytest.approx((3 * 0.25 + 0.0625) / 4)


def test_a_row_is_a_height_and_a_column_a_width() -> None:
    lower_left = BoundingBox("Pneumonia", left=0.0, top=0.5, width=0.4, height=0.5)
    hit, miss = (pointing_game([BoxWithMap("1", lower_left, evidence)]) for evidence in (hot_at(6, 0), hot_at(0, 6)))
    assert hit is not None and hit.hit_rate.value == 1.0
    assert miss is not None and miss.hit_rate.value == 0.0


def test_a_flat_map_points_nowhere() -> None:
    game = pointing_game([BoxWithMap("1", BoundingBox("Pneumonia", 0, 0, 1, 1), np.full((7, 7), 0.3, np.float32))])
    assert game is not None
    assert game.hit_rate.value == 0.0


def test_the_best_fixed_point_is_found_on_other_patients_only() -> None:
    boxes = [("1", UPPER_LEFT), ("2", UPPER_LEFT), ("3", UPPER_LEFT), ("4", LOWER_RIGHT), ("4", LOWER_RIGHT)]
    game = pointing_game([BoxWithMap(patient, box, hot_at(0, 0)) for patient, box in boxes])
    assert game is not None
    # For 1, 2 and 3 the other patients' boxes are two and two, and the upper one comes first; for 4 it is upper left.
    assert game.best_fixed_point == pytest.approx(3 / 5)
    alone = pointing_game([BoxWithMap("1", UPPER_LEFT, hot_at(0, 0)), BoxWithMap("1", UPPER_LEFT, hot_at(0, 0))])
    assert alone is not None and alone.best_fixed_point == 0.0


def test_without_boxes_there_is_no_game() -> None:
    assert pointing_game([]) is None


def test_maps_that_differ_in_brightness_only_are_alike_and_flat_ones_do_not_count() -> None:
    maps = np.random.default_rng(0).normal(size=(3, 7, 7, 2)).astype(np.float32)
    assert correlation(maps, 3 * maps + 1) == pytest.approx(1.0)
    assert correlation(maps, -maps) == pytest.approx(-1.0)
    half_flat = maps.copy()
    half_flat[0] = 0.5
    assert correlation(maps, half_flat) == pytest.approx(1.0)
    assert correlation(maps, np.zeros_like(maps)) is None
