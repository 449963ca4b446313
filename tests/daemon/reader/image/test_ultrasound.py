"""The image within an ultrasound picture, and how large pixels are."""

from typing import Any

import pytest
from pydicom.dataset import Dataset

from leapfrog.reader.image.spacing import spacing_mm_of
from leapfrog.reader.image.ultrasound import UltrasoundRegion, tissue_region

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


def region_in(*items: Dataset) -> UltrasoundRegion | None:
    dataset = Dataset()
    dataset.SequenceOfUltrasoundRegions = list(items)
    return tissue_region(dataset, ROWS, COLUMNS)


def test_a_region_holds_both_its_corners_and_its_deltas_are_centimetres() -> None:
    one = region_in(region())
    assert one is not None
    assert one.box == (40, 30, 600, 450)
    assert one.spacing_mm == pytest.approx((0.3, 0.2))


def test_negative_deltas_only_say_that_an_axis_points_the_other_way() -> None:
    one = region_in(region(PhysicalDeltaX=-0.02, PhysicalDeltaY=-0.03))
    assert one is not None
    assert one.spacing_mm == pytest.approx((0.3, 0.2))


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
    assert one.spacing_mm is None


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


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"PixelSpacing": [0.3, 0.2]}, (0.3, 0.2)),
        ({"PixelSpacing": [0.3, 0.2], "Modality": "DX"}, None),
        ({"PixelSpacing": [0.3, 0.2], "Modality": "DX", "PixelSpacingCalibrationType": "FIDUCIAL"}, (0.3, 0.2)),
        ({"ImagerPixelSpacing": [0.14, 0.14]}, None),
        ({"ImagerPixelSpacing": [0.14, 0.14], "PixelSpacing": [0.14, 0.14]}, None),
        ({"ImagerPixelSpacing": [0.14, 0.14], "PixelSpacing": [0.1, 0.1]}, (0.1, 0.1)),
        ({"PixelSpacing": [0, 0]}, None),
        ({"PixelSpacing": [0.3]}, None),
        ({}, None),
    ],
)
def test_only_a_spacing_that_holds_in_the_patient_counts(
    attributes: dict[str, Any], expected: tuple[float, float] | None
) -> None:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    assert spacing_mm_of(dataset) == expected
