"""From a mask with one part to the line around it."""

import numpy as np
import pytest

from leapfrog.reader.assess.outlines.outline import trace
from support.masks import CHAMFERS, COLUMNS, ROWS, square


def test_the_line_around_a_square_runs_where_its_cells_end() -> None:
    outline = trace(square(10, 20, 8), 0.5)
    assert outline is not None
    assert outline.points.min(axis=0).tolist() == [20, 10]
    assert outline.points.max(axis=0).tolist() == [28, 18]
    assert outline.area == 64 - CHAMFERS


def test_the_line_is_finer_than_the_cells() -> None:
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS] + 0.5
    distance = np.hypot(rows - 30.2, columns - 41.7)
    disc = np.clip(10.3 - distance + 0.5, 0, 1).astype(np.float32)
    outline = trace(disc, 0.5)
    assert outline is not None
    assert outline.area == pytest.approx(np.pi * 10.3**2, rel=0.005)


def test_a_part_with_a_notch_is_followed_into_it() -> None:
    mask = square(10, 20, 9)
    mask[10:15, 23:26] = 0
    outline = trace(mask, 0.5)
    assert outline is not None
    # Corners that point inwards are filled as much as others lose, and there are four fewer of them.
    assert outline.area == 81 - 15 - CHAMFERS


def test_a_single_cell_has_an_outline() -> None:
    outline = trace(square(5, 5, 1), 0.5)
    assert outline is not None
    assert len(outline.points) == 4


def test_a_mask_that_fills_the_picture_lies_on_its_edge_all_around() -> None:
    outline = trace(np.ones((4, 6), np.float32), 0.5)
    assert outline is not None
    assert outline.points.min(axis=0).tolist() == [0, 0]
    assert outline.points.max(axis=0).tolist() == [6, 4]
    assert outline.area == 24 - CHAMFERS


def test_nothing_has_no_outline() -> None:
    assert trace(np.zeros((4, 6), np.float32), 0.5) is None
