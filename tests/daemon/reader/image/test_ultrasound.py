"""The images within an ultrasound picture, and how large their pixels are."""

from typing import Any

import pytest
from pydicom.dataset import Dataset

from leapfrog.reader.image.spacing import NO_SPACING
from leapfrog.reader.image.ultrasound import UltrasoundRegion, tissue_regions

ROWS, COLUMNS = 480, 640


def region(box: tuple[int, int, int, int] = (40, 30, 599, 449), **attributes: Any) -> Dataset:
    item = Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = box
    item.RegionSpatialFormat = 1
    item.RegionDataType = 1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX, item.PhysicalDeltaY = 0.02, 0.03
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def regions_in(*items: Dataset) -> tuple[UltrasoundRegion, ...]:
    dataset = Dataset()
    dataset.SequenceOfUltrasoundRegions = list(items)
    return tissue_regions(dataset, ROWS, COLUMNS)


def region_in(*items: Dataset) -> UltrasoundRegion | None:
    return next(iter(regions_in(*items)), None)


def test_a_region_holds_both_its_corners_and_its_deltas_are_centimetres() -> None:
    one = region_in(region())
    assert one is not None
    assert one.box == (40, 30, 600, 450)
    assert one.scale.spacing_mm == pytest.approx((0.3, 0.2))


def test_negative_deltas_only_say_that_an_axis_points_the_other_way() -> None:
    one = region_in(region(PhysicalDeltaX=-0.02, PhysicalDeltaY=-0.03))
    assert one is not None
    assert one.scale.spacing_mm == pytest.approx((0.3, 0.2))


@pytest.mark.parametrize(
    "attributes",
    [
        {"PhysicalUnitsXDirection": 4},
        {"PhysicalUnitsYDirection": 0},
        {"PhysicalDeltaX": 0.0},
        {"PhysicalDeltaY": None},
    ],
    ids=["seconds", "no unit", "zero", "empty"],
)
def test_deltas_that_are_no_lengths_give_no_spacing(attributes: dict[str, Any]) -> None:
    one = region_in(region(**attributes))
    assert one is not None
    assert one.scale.spacing_mm is None
    assert one.scale.reason == NO_SPACING


def test_the_largest_picture_of_tissue_is_chosen_among_traces_and_scales() -> None:
    large_m_mode = region((0, 0, 639, 479), RegionSpatialFormat=2)
    small_tissue = region((0, 0, 99, 99))
    tissue = region((100, 100, 399, 399))
    colour = region((50, 50, 599, 449), RegionDataType=2)
    one = region_in(large_m_mode, small_tissue, tissue, colour)
    assert one is not None
    assert one.box == (100, 100, 400, 400)
    assert region_in(large_m_mode) is None
    only_colour = region_in(colour)
    assert only_colour is not None
    assert only_colour.box == (50, 50, 600, 450)


def test_regions_beyond_the_picture_are_cut_and_nonsense_is_left_out() -> None:
    one = region_in(region((600, 400, 5000, 5000)))
    assert one is not None
    assert one.box == (600, 400, 640, 480)
    assert region_in(region((700, 500, 900, 900))) is None
    assert region_in(region((300, 300, 100, 100))) is None
    assert region_in(region((10, 10, 20, 20))) is None
    assert region_in() is None
    incomplete = region()
    del incomplete.RegionLocationMaxX1
    assert region_in(incomplete) is None


LEFT, RIGHT = (0, 0, 299, 399), (320, 0, 619, 399)


def test_the_two_pictures_beside_each_other_are_both_there_each_with_its_own_scale() -> None:
    left, right = regions_in(region(LEFT), region(RIGHT, PhysicalDeltaX=0.05, PhysicalDeltaY=0.05))
    assert (left.box, right.box) == ((0, 0, 300, 400), (320, 0, 620, 400))
    assert left.scale.spacing_mm == pytest.approx((0.3, 0.2))
    assert right.scale.spacing_mm == pytest.approx((0.5, 0.5))


def test_a_colour_picture_beside_one_of_tissue_counts_and_the_box_within_it_does_not() -> None:
    beside = regions_in(region(LEFT), region(RIGHT, RegionDataType=2))
    assert [one.box for one in beside] == [(0, 0, 300, 400), (320, 0, 620, 400)]
    within = regions_in(region(LEFT), region((50, 50, 249, 249), RegionDataType=2))
    assert [one.box for one in within] == [(0, 0, 300, 400)]
    twice = regions_in(region(LEFT), region(LEFT))
    assert len(twice) == 1


def test_a_preview_in_the_corner_is_no_second_picture() -> None:
    assert len(regions_in(region(LEFT), region((500, 300, 599, 399)))) == 1


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"PhysicalDeltaX": 1.0, "PhysicalDeltaY": 1.0}, "cannot be right: by it, the picture would be 560 cm wide"),
        ({"PhysicalDeltaX": 0.1, "PhysicalDeltaY": 0.1}, "exactly 1 mm"),
        ({"PhysicalDeltaX": 1e-7, "PhysicalDeltaY": 1e-7}, "cannot be right"),
        ({"PhysicalDeltaX": 0.01, "PhysicalDeltaY": 0.07}, "7 times as long"),
    ],
    ids=["a centimetre", "a millimetre", "nothing", "unequal"],
)
def test_placeholders_and_impossible_scales_are_none(attributes: dict[str, Any], reason: str) -> None:
    one = region_in(region(**attributes))
    assert one is not None
    assert one.scale.spacing_mm is None
    assert reason in one.scale.reason
