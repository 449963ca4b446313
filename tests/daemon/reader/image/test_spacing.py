"""How large pixels are in the patient, and why nothing can be measured where that is not known."""

from typing import Any

import pytest
from pydicom.dataset import Dataset

from leapfrog.reader.image.spacing import AT_DETECTOR, NO_SPACING, PLACEHOLDER, Scale, scale_of

SHAPE = (480, 640)


def scale(**attributes: Any) -> Scale:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return scale_of(dataset, (dataset,), SHAPE)


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
    got = scale(**attributes)
    assert got.spacing_mm == expected
    assert bool(got.reason) == (expected is None)


def test_a_spacing_on_the_detector_is_named_as_the_reason() -> None:
    assert scale(PixelSpacing=[0.3, 0.2], Modality="DX").reason == AT_DETECTOR
    assert scale(ImagerPixelSpacing=[0.14, 0.14]).reason == AT_DETECTOR
    assert scale(Modality="DX").reason == NO_SPACING


@pytest.mark.parametrize("modality", ["US", "IVUS"])
def test_a_millimetre_both_ways_is_no_calibration_of_an_ultrasound_picture(modality: str) -> None:
    assert scale(PixelSpacing=[1, 1], Modality=modality) == Scale(None, PLACEHOLDER)
    assert scale(PixelSpacing=["1.000000", "1.0"], Modality=modality) == Scale(None, PLACEHOLDER)
    assert scale(PixelSpacing=[0.5, 0.5], Modality=modality).spacing_mm == (0.5, 0.5)


def test_a_millimetre_may_be_true_of_other_pictures() -> None:
    assert scale(PixelSpacing=[1, 1], Modality="MR").spacing_mm == (1.0, 1.0)


def test_a_scale_by_which_an_ultrasound_picture_would_be_metres_wide_cannot_be_right() -> None:
    got = scale(PixelSpacing=[2.5, 2.5], Modality="US")
    assert got.spacing_mm is None
    assert "160 cm wide and 120 cm high" in got.reason


def test_the_nearest_source_that_has_a_spacing_counts() -> None:
    frame, shared, top = Dataset(), Dataset(), Dataset()
    shared.PixelSpacing = [0.4, 0.4]
    top.PixelSpacing = [0.9, 0.9]
    assert scale_of(top, (frame, shared, top), SHAPE).spacing_mm == (0.4, 0.4)


@pytest.mark.parametrize("other", [[0.3, 0.3], [0.2, 0.22], [0.194, 0.2]])
def test_two_scales_of_an_ultrasound_picture_that_disagree_are_none(other: list[float]) -> None:
    got = scale(PixelSpacing=[0.2, 0.2], ImagerPixelSpacing=other, Modality="US")
    assert got.spacing_mm == ((0.2, 0.2) if other == [0.194, 0.2] else None)
    assert ("two scales that do not agree" in got.reason) == (got.spacing_mm is None)


@pytest.mark.parametrize("other", [[1, 1], [0, 0], [-0.3, 0.3], [30, 30], [1e-9, 1e-9], ["1e400", "1e400"]])
def test_what_cannot_be_a_scale_contradicts_none(other: list[float]) -> None:
    assert scale(PixelSpacing=[0.2, 0.2], ImagerPixelSpacing=other, Modality="US").spacing_mm == (0.2, 0.2)
