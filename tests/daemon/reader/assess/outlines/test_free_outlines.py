"""From a mask for each finding to its outlines and their areas."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leapfrog.errors import EngineError
from leapfrog.exam import Finding
from leapfrog.packages.manifest import Manifest
from leapfrog.packages.package import load_package
from leapfrog.reader.assess.outlines.free_outlines import FreeOutlines, free_outlines
from leapfrog.reader.assess.outlines.segmentation import PictureArea
from support.masks import CHAMFERS, COLUMNS, ROWS, SURE, UNSURE, square
from support.tiny_models import NERVE_SEGMENTER, segmenter_content, write_nerve_and_vessel, write_package

WHOLE = PictureArea(0, 0, 10 * COLUMNS, 10 * ROWS, picture_width=10 * COLUMNS, picture_height=10 * ROWS)
SPACING_MM = (0.05, 0.05)
CELL_MM2 = (10 * 0.05) ** 2
NOTHING = square(0, 0, 0)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return load_package(write_package(tmp_path / "tiny-nerve", NERVE_SEGMENTER, segmenter_content())).manifest


@pytest.fixture
def of_two(tmp_path: Path) -> Manifest:
    return load_package(write_nerve_and_vessel(tmp_path / "two")).manifest


def outlined(
    manifest: Manifest, *masks: np.ndarray, spacing_mm: tuple[float, float] | None = SPACING_MM
) -> FreeOutlines:
    return free_outlines(manifest, [np.stack(masks, axis=-1)[np.newaxis]], WHOLE, spacing_mm)


def nerve_in(manifest: Manifest, mask: np.ndarray, spacing_mm: tuple[float, float] | None = SPACING_MM) -> Finding:
    (nerve,) = outlined(manifest, mask, spacing_mm=spacing_mm).findings
    return nerve


def corners(polygon: tuple[tuple[float, float], ...]) -> tuple[list[float], list[float]]:
    """The lowest and the highest x and y, in cells."""
    points = np.array(polygon) * (COLUMNS, ROWS)
    return points.min(axis=0).round(2).tolist(), points.max(axis=0).round(2).tolist()


def test_a_square_is_outlined_and_its_area_measured(manifest: Manifest) -> None:
    nerve = nerve_in(manifest, square(10, 20, 20))
    assert nerve.flagged
    assert nerve.score == SURE
    assert nerve.measurement is not None
    assert (nerve.measurement.name, nerve.measurement.unit) == ("Nerve area", "mm2")
    assert nerve.measurement.value == round((400 - CHAMFERS) * CELL_MM2, 1)
    assert nerve.measurement.parts == ()
    assert nerve.contour is not None
    assert [corners(polygon) for polygon in nerve.contour] == [([20, 10], [40, 30])]


def test_a_long_outline_is_drawn_with_few_points(manifest: Manifest) -> None:
    contour = nerve_in(manifest, square(10, 20, 45)).contour
    assert contour is not None
    assert [len(polygon) for polygon in contour] == [120]


def test_pixels_that_are_not_square_are_measured_as_they_are(manifest: Manifest) -> None:
    measurement = nerve_in(manifest, square(10, 20, 20), spacing_mm=(0.1, 0.05)).measurement
    assert measurement is not None
    assert measurement.value == round((400 - CHAMFERS) * 10 * 0.1 * 10 * 0.05, 1)


def test_each_part_is_outlined_and_measured_the_largest_first(manifest: Manifest) -> None:
    nerve = nerve_in(manifest, np.maximum(square(45, 70, 8), square(10, 20, 20)))
    assert nerve.contour is not None
    assert [corners(polygon) for polygon in nerve.contour] == [([20, 10], [40, 30]), ([70, 45], [78, 53])]
    sizes = [(cells - CHAMFERS) * CELL_MM2 for cells in (400, 64)]
    assert nerve.measurement is not None
    assert nerve.measurement.parts == tuple(round(size, 1) for size in sizes)
    assert nerve.measurement.value == round(sum(sizes), 1)


def test_of_several_parts_only_those_are_drawn_that_the_model_is_sure_of(manifest: Manifest) -> None:
    nerve = nerve_in(manifest, np.maximum(square(10, 20, 20, UNSURE), square(45, 70, 8)))
    assert nerve.score == SURE
    assert nerve.contour is not None
    assert [corners(polygon) for polygon in nerve.contour] == [([70, 45], [78, 53])]


def test_of_a_mask_full_of_specks_only_a_few_parts_are_traced(of_two: Manifest) -> None:
    specks = np.zeros((ROWS, COLUMNS), np.float32)
    for row in range(1, ROWS - 3, 4):
        for column in range(1, COLUMNS - 3, 4):
            specks[row : row + 3, column : column + 3] = SURE
    nerve, _ = outlined(of_two, specks, NOTHING).findings
    assert nerve.contour is not None
    assert len(nerve.contour) == 8


def test_every_finding_has_its_own_channel_and_its_own_threshold(of_two: Manifest) -> None:
    found = outlined(of_two, square(10, 20, 9, UNSURE), square(30, 40, 7, UNSURE))
    nerve, vessel = found.findings
    assert (nerve.name, nerve.flagged, nerve.drawn, nerve.contour) == ("Nerve", False, "outline", None)
    assert (vessel.name, vessel.flagged, vessel.drawn) == ("Vessel", True, "hatched")
    assert vessel.contour is not None
    (lowest, highest) = corners(vessel.contour[0])
    assert lowest == pytest.approx([40, 30], abs=0.5)
    assert highest == pytest.approx([47, 37], abs=0.5)
    assert vessel.measurement is not None
    assert vessel.measurement.name == "Vessel area"
    assert nerve.score == pytest.approx(UNSURE)


@pytest.mark.parametrize(("side", "drawn"), [(1, False), (2, True), (3, True), (5, True)])
def test_the_package_says_how_small_a_part_may_be_and_a_speck_is_never_drawn(
    of_two: Manifest, manifest: Manifest, side: int, drawn: bool
) -> None:
    nerve, _ = outlined(of_two, square(10, 20, side), NOTHING).findings
    assert nerve.flagged is drawn
    assert nerve_in(manifest, square(10, 20, side)).flagged is (side == 5)  # 3 in 1,000 of 6,144 cells are 18


def test_without_a_pixel_size_there_are_outlines_but_no_area(of_two: Manifest) -> None:
    found = outlined(of_two, square(10, 20, 20), square(40, 20, 9), spacing_mm=None)
    assert [finding.flagged for finding in found.findings] == [True, True]
    assert [finding.measurement for finding in found.findings] == [None, None]
    assert found.reason.count("how large its pixels are") == 1
    assert outlined(of_two, NOTHING, NOTHING, spacing_mm=None).reason == ""


def test_what_runs_along_the_edge_is_outlined_but_not_measured_and_all_else_is(of_two: Manifest) -> None:
    found = outlined(of_two, square(0, 20, 20), square(40, 20, 9))
    nerve, vessel = found.findings
    assert nerve.contour is not None
    assert nerve.measurement is None
    assert vessel.measurement is not None
    assert found.reason == (
        "The nerve runs along the picture's edge. The part beyond it was not seen, so its area is not given."
    )


@pytest.mark.parametrize(("left", "measured"), [(0, False), (10, False), (30, True)])
def test_what_a_padded_picture_cuts_off_is_not_measured(manifest: Manifest, left: int, measured: bool) -> None:
    # 100 pixels of black were added on either side: the picture begins at cell 10, and what it shows may go on there.
    area = replace(WHOLE, left=-100, picture_width=10 * COLUMNS - 200)
    mask = square(10, left, 20)
    mask[:, :10] = 0
    found = free_outlines(manifest, [mask[np.newaxis, :, :, np.newaxis]], area, SPACING_MM)
    assert found.findings[0].contour is not None
    assert (found.findings[0].measurement is not None) is measured
    assert ("edge" in found.reason) is not measured


@pytest.mark.parametrize(("left", "measured"), [(14, False), (40, True)])
def test_what_the_side_of_a_sector_cuts_off_is_not_measured(manifest: Manifest, left: int, measured: bool) -> None:
    # The side runs from the top, 30 cells from the left, to the lower left corner: at cell 14 through the nerve.
    sector = replace(WHOLE, outline=((300.0, 0.0), (660.0, 0.0), (960.0, 640.0), (0.0, 640.0)))
    mask = square(24, left, 12)
    for row in range(ROWS):
        mask[row, : round(30 * (1 - row / ROWS))] = 0  # the model saw black there
    found = free_outlines(manifest, [mask[np.newaxis, :, :, np.newaxis]], sector, SPACING_MM)
    assert found.findings[0].contour is not None
    assert (found.findings[0].measurement is not None) is measured
    assert ("edge" in found.reason) is not measured


def test_an_area_that_cannot_be_is_not_given_but_the_reason(of_two: Manifest) -> None:
    known = of_two.finding[0].code.model_copy(update={"scheme": "SCT", "value": "91728009"})
    nerve_rule = of_two.finding[0].model_copy(update={"code": known})
    manifest = of_two.model_copy(update={"finding": (nerve_rule, of_two.finding[1])})
    found = outlined(manifest, square(10, 20, 20), square(40, 20, 9), spacing_mm=(0.5, 0.5))
    assert [finding.measurement is None for finding in found.findings] == [True, False]
    assert "the nerve area would be 9,987.5 mm²" in found.reason


@pytest.mark.parametrize(
    "mask",
    [NOTHING, square(10, 20, 3), square(10, 20, 20, UNSURE)],
    ids=["empty", "tiny", "unsure"],
)
def test_nothing_is_outlined_where_too_little_is_seen(manifest: Manifest, mask: np.ndarray) -> None:
    nerve = nerve_in(manifest, mask)
    assert not nerve.flagged
    assert nerve.contour is None
    assert nerve.measurement is None


def test_a_mask_without_a_channel_for_each_finding_is_the_engines_fault(of_two: Manifest) -> None:
    with pytest.raises(EngineError, match=r"not \(1, rows, columns, 2\)"):
        outlined(of_two, square(10, 20, 20))
