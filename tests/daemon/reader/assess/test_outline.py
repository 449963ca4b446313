"""From a mask of any shape to its outline and area."""

from pathlib import Path

import numpy as np
import pytest

from leapfrog.packages.manifest import Manifest
from leapfrog.packages.package import load_package
from leapfrog.reader.assess.outline import trace
from leapfrog.reader.assess.segmentation import PictureArea, Segmentation, segment
from support.tiny_models import NERVE_SEGMENTER, segmenter_content, write_package

ROWS, COLUMNS = 64, 96
WHOLE = PictureArea(0, 0, 10 * COLUMNS, 10 * ROWS, picture_width=10 * COLUMNS, picture_height=10 * ROWS)
SPACING_MM = (0.05, 0.05)
CHAMFERS = 0.5  # cells: a line through the middles of the sides cuts an eighth off each corner of a square
SURE, UNSURE = 1.0, 0.6


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return load_package(write_package(tmp_path / "tiny-nerve", NERVE_SEGMENTER, segmenter_content())).manifest


def square(top: int, left: int, side: int, value: float = SURE) -> np.ndarray:
    mask = np.zeros((ROWS, COLUMNS), np.float32)
    mask[top : top + side, left : left + side] = value
    return mask


def segmented(
    manifest: Manifest, mask: np.ndarray, spacing_mm: tuple[float, float] | None = SPACING_MM
) -> Segmentation:
    return segment(manifest, [mask[np.newaxis, :, :, np.newaxis]], WHOLE, spacing_mm)


def test_the_line_around_a_square_runs_where_its_cells_end() -> None:
    outline = trace(square(10, 20, 8), 0.5)
    assert outline is not None
    assert outline.points.min(axis=0).tolist() == [20, 10]
    assert outline.points.max(axis=0).tolist() == [28, 18]
    assert outline.area == 64 - CHAMFERS
    assert outline.share_on_edge == 0


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
    assert outline.share_on_edge == 1
    assert outline.area == 24 - CHAMFERS


def test_nothing_has_no_outline() -> None:
    assert trace(np.zeros((4, 6), np.float32), 0.5) is None


def test_a_square_is_outlined_and_its_area_measured(manifest: Manifest) -> None:
    result = segmented(manifest, square(10, 20, 20))
    assert result.complete
    assert result.finding.flagged
    assert result.finding.score == SURE
    measurement = result.finding.measurement
    assert measurement is not None
    assert measurement.unit == "mm2"
    assert measurement.value == round((400 - CHAMFERS) * (10 * 0.05) ** 2, 1)
    contour = np.array(result.finding.contour)
    assert contour.min(axis=0) == pytest.approx([20 / COLUMNS, 10 / ROWS], abs=1e-5)
    assert contour.max(axis=0) == pytest.approx([40 / COLUMNS, 30 / ROWS], abs=1e-5)


def test_a_long_outline_is_drawn_with_few_points(manifest: Manifest) -> None:
    contour = segmented(manifest, square(10, 20, 45)).finding.contour
    assert contour is not None
    assert len(contour) == 120


def test_pixels_that_are_not_square_are_measured_as_they_are(manifest: Manifest) -> None:
    measurement = segmented(manifest, square(10, 20, 20), spacing_mm=(0.1, 0.05)).finding.measurement
    assert measurement is not None
    assert measurement.value == round((400 - CHAMFERS) * 10 * 0.1 * 10 * 0.05, 1)


def test_of_two_parts_the_larger_one_counts(manifest: Manifest) -> None:
    alone = segmented(manifest, square(10, 20, 20))
    both = segmented(manifest, np.maximum(square(10, 20, 20), square(45, 70, 8)))
    assert both == alone


def test_without_a_pixel_size_there_is_an_outline_but_no_area(manifest: Manifest) -> None:
    result = segmented(manifest, square(10, 20, 20), spacing_mm=None)
    assert result.finding.contour is not None
    assert result.finding.measurement is None
    assert "how large its pixels are" in result.reason


def test_what_runs_along_the_edge_is_outlined_but_not_measured(manifest: Manifest) -> None:
    result = segmented(manifest, square(0, 20, 20))
    assert result.finding.contour is not None
    assert result.finding.measurement is None
    assert not result.complete
    assert "edge" in result.reason


@pytest.mark.parametrize(("left", "measured"), [(0, False), (10, False), (30, True)])
def test_what_a_padded_picture_cuts_off_is_not_measured(manifest: Manifest, left: int, measured: bool) -> None:
    # 100 pixels of black were added on either side: the picture begins at cell 10, and what it shows may go on there.
    area = PictureArea(-100, 0, 10 * COLUMNS, 10 * ROWS, picture_width=10 * COLUMNS - 200, picture_height=10 * ROWS)
    mask = square(10, left, 20)
    mask[:, :10] = 0
    result = segment(manifest, [mask[np.newaxis, :, :, np.newaxis]], area, SPACING_MM)
    assert result.finding.contour is not None
    assert (result.finding.measurement is not None) is result.complete is measured
    assert ("edge" in result.reason) is not measured


@pytest.mark.parametrize(
    "mask",
    [square(0, 0, 0), square(10, 20, 3), square(10, 20, 20, UNSURE)],
    ids=["empty", "tiny", "unsure"],
)
def test_nothing_is_outlined_where_too_little_is_seen(manifest: Manifest, mask: np.ndarray) -> None:
    result = segmented(manifest, mask)
    assert not result.finding.flagged
    assert result.finding.contour is None
    assert result.finding.measurement is None
