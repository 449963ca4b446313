"""The parts of masks."""

import time

import numpy as np

from leapfrog.reader.image.fields.connected import connected_area, labelled, largest_part


def test_cells_have_the_same_number_if_they_are_connected() -> None:
    mask = np.random.default_rng(0).random((40, 60)) < 0.6
    parts = labelled(mask)
    for row, column in np.argwhere(mask)[::40]:
        area = connected_area(mask, (row, column))
        assert np.array_equal(mask & (parts == parts[row, column]), area)


def test_the_largest_part_of_nothing_is_nothing() -> None:
    assert not largest_part(np.zeros((4, 6), np.bool_)).any()


def test_a_part_of_millions_of_cells_takes_less_than_a_second() -> None:
    began = time.process_time()
    assert not labelled(np.ones((2000, 2000), np.bool_)).any()
    assert time.process_time() - began < 1
