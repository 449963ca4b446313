"""Whether heat maps point to what a radiologist marked, better than anything that never saw the film."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog_training.datasets.chestxray14 import BoundingBox
from leapfrog_training.evaluate.heat_maps import BoxWithMap, Pointing, pointing

CELLS = 14
UPPER_LEFT = BoundingBox("Pneumonia", left=0.0, top=0.0, width=0.5, height=0.5)
LOWER_RIGHT = BoundingBox("Pneumonia", left=0.75, top=0.75, width=0.25, height=0.25)


def hot_at(row: int, column: int) -> NDArray[np.float32]:
    evidence = np.zeros((7, 7), np.float32)
    evidence[row, column] = 1.0
    return evidence


def map_of(box: BoundingBox) -> NDArray[np.float32]:
    """A map that is exactly the box."""
    evidence = np.zeros((CELLS, CELLS), np.float32)
    rows = slice(round(box.top * CELLS), round((box.top + box.height) * CELLS))
    evidence[rows, round(box.left * CELLS) : round((box.left + box.width) * CELLS)] = 1.0
    return evidence


def scattered(count: int) -> list[BoundingBox]:
    """Boxes of a quarter of the side, each somewhere else, none in the middle of the film."""
    random = np.random.default_rng(5)
    places = [(x, y) for x in range(4) for y in range(4) if {x, y} & {0, 3}]
    chosen = (places[index % len(places)] for index in random.permutation(count))
    return [BoundingBox("Pneumonia", x / 4, y / 4, 0.25, 0.25) for x, y in chosen]


def measured(boxes: Sequence[BoxWithMap]) -> Pointing:
    result = pointing(boxes)
    assert result is not None
    return result


def test_a_map_hits_when_its_hottest_point_lies_in_the_box() -> None:
    game = measured(
        [
            BoxWithMap("1", UPPER_LEFT, hot_at(1, 2)),
            BoxWithMap("2", UPPER_LEFT, hot_at(2, 1)),
            BoxWithMap("3", LOWER_RIGHT, hot_at(6, 6)),
            BoxWithMap("4", UPPER_LEFT, hot_at(1, 5)),
        ]
    )
    assert (game.boxes, game.films, game.hit_rate.value) == (4, 4, 0.75)
    assert game.hit_rate.low < 0.75 < game.hit_rate.high


def test_a_row_is_a_height_and_a_column_a_width() -> None:
    lower_left = BoundingBox("Pneumonia", left=0.0, top=0.5, width=0.4, height=0.5)
    hit, miss = (measured([BoxWithMap("1", lower_left, evidence)]) for evidence in (hot_at(6, 0), hot_at(0, 6)))
    assert (hit.hit_rate.value, miss.hit_rate.value) == (1.0, 0.0)


def test_the_tint_of_a_map_that_is_the_box_lies_in_it_and_that_of_a_map_of_both_halves_to_a_half() -> None:
    left = BoundingBox("Pneumonia", left=0.0, top=0.25, width=0.25, height=0.5)
    right = BoundingBox("Pneumonia", left=0.75, top=0.25, width=0.25, height=0.5)
    alone = measured([BoxWithMap("1", left, map_of(left))]).share_in_box.value
    both = measured([BoxWithMap("1", left, map_of(left) + map_of(right))]).share_in_box.value
    assert alone > 0.85  # the map's edge is made smooth
    assert both == pytest.approx(alone / 2, abs=0.02)


def test_maps_that_are_the_boxes_point_better_than_the_mean_map_and_the_middle() -> None:
    boxes = scattered(24)
    game = measured([BoxWithMap(str(number), box, map_of(box)) for number, box in enumerate(boxes)])
    assert game.points
    assert game.hit_rate.value == 1.0
    assert game.hits_over_centre.value == 1.0  # no box holds the middle
    assert game.hits_over_mean_map.low > 0


@pytest.mark.parametrize("same", [np.full((7, 7), 0.3, np.float32), hot_at(1, 1)], ids=["flat", "always the same"])
def test_a_map_that_is_the_same_for_every_film_points_nowhere(same: NDArray[np.float32]) -> None:
    game = measured([BoxWithMap(str(number), box, same) for number, box in enumerate(scattered(24))])
    assert not game.points
    assert game.hits_over_mean_map.value <= 0


def test_the_mean_map_is_of_other_patients_films_only() -> None:
    twice = [BoxWithMap("1", UPPER_LEFT, map_of(UPPER_LEFT)), BoxWithMap("1", UPPER_LEFT, map_of(UPPER_LEFT))]
    assert measured(twice).hits_over_mean_map.value == 1.0  # nobody else's map: that is flat, and hits nothing
    another = [*twice, BoxWithMap("2", UPPER_LEFT, map_of(UPPER_LEFT))]
    assert measured(another).hits_over_mean_map.value == 0.0


def test_one_measure_that_is_not_better_is_enough_not_to_be_shown() -> None:
    """The hottest point is in the box, and nearly all of the tint beside it."""
    boxes = scattered(24)
    maps = [(0.9 - 0.6 * map_of(box)).astype(np.float32) for box in boxes]
    for box, shown in zip(boxes, maps, strict=True):
        shown[round((box.top + 0.125) * CELLS), round((box.left + 0.125) * CELLS)] = 1.5
    game = measured(
        [BoxWithMap(str(number), box, shown) for number, (box, shown) in enumerate(zip(boxes, maps, strict=True))]
    )
    assert game.hits_over_mean_map.low > 0 and game.hits_over_centre.low > 0
    assert not game.points


def test_without_boxes_nothing_is_measured() -> None:
    assert pointing([]) is None
