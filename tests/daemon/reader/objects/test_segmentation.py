"""What a model outlined lies on the very pixels of the very frame, and other programs find it there."""

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage

from leapfrog.exam import Finding, ImageReading
from leapfrog.reader.objects.segmentation import mask_of
from leapfrog.reader.report.study_report import render
from support.readings import CIRCLE, head_reading, nerve_reading, report_job
from support.spooled import without_record
from support.structured_reports import group_named, opened, structured_report_file

SERIES_UID = "1.2.826.0.1.3680043.10.1.9"


def drawn(report_dir: Path, reading: ImageReading, **header: Any) -> pydicom.Dataset | None:
    """The segmentation of an image of 300 x 200 pixels."""
    values = {"rows": 200, "columns": 300, "series_instance_uid": SERIES_UID, **header}
    reading = reading.model_copy(update={"header": reading.header.model_copy(update=values)})
    result = render(report_job(report_dir, reading, derived=("segmentation",)))
    return pydicom.dcmread(without_record(report_dir / "work" / result.produced[0].name)) if result.produced else None


def segmented(report_dir: Path, reading: ImageReading, **header: Any) -> pydicom.Dataset:
    dataset = drawn(report_dir, reading, **header)
    assert dataset is not None
    return dataset


def test_a_head_is_one_binary_segment_on_the_frame_that_was_reported(tmp_path: Path) -> None:
    head = segmented(tmp_path, head_reading(tmp_path))
    assert (head.SOPClassUID, head.file_meta.TransferSyntaxUID) == (SegmentationStorage, ExplicitVRLittleEndian)
    assert (head.SegmentationType, head.BitsAllocated, head.NumberOfFrames) == ("BINARY", 1, 1)
    assert (head.Rows, head.Columns) == (200, 300)
    source = head.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
    assert (source.ReferencedSOPInstanceUID, source.ReferencedFrameNumber) == ("1.2.826.0.1.3680043.10.1.2", 12)
    assert source.SpatialLocationsPreserved == "YES"
    assert head.ReferencedSeriesSequence[0].SeriesInstanceUID == SERIES_UID
    assert "FrameOfReferenceUID" not in head, "an ultrasound picture lies nowhere in space"


def test_a_segment_says_what_it_is_and_who_drew_it(tmp_path: Path) -> None:
    [segment] = segmented(tmp_path, head_reading(tmp_path)).SegmentSequence
    assert (segment.SegmentLabel, segment.SegmentAlgorithmType) == ("Fetal head", "AUTOMATIC")
    assert segment.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Anatomical Structure"
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Fetal head"
    [algorithm] = segment.SegmentationAlgorithmIdentificationSequence
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("fetal-head", "0.2.0")


def test_a_segment_and_the_structured_report_know_an_outline_by_the_same_uid(tmp_path: Path) -> None:
    head = head_reading(tmp_path)
    [segment] = segmented(tmp_path, head).SegmentSequence
    header = head.header.model_copy(update={"rows": 200, "columns": 300, "series_instance_uid": SERIES_UID})
    file = structured_report_file(tmp_path, head.model_copy(update={"header": header}), version=2)
    group = group_named(opened(file), "Image 1: Fetal head")
    assert segment.TrackingUID == group.tracking_uid


def test_nerves_and_vessels_are_a_segment_each_whatever_their_number(tmp_path: Path) -> None:
    dataset = segmented(tmp_path, nerve_reading(tmp_path, nerves=2, vessels=1))
    assert [one.SegmentLabel for one in dataset.SegmentSequence] == ["Nerve", "Vessel"]
    nerve, vessel = dataset.pixel_array.astype(bool)
    assert nerve[65, 45] and nerve[65, 105] and not nerve[65, 75], "both triangles, and nothing between them"
    assert not (nerve & vessel).any() and dataset.SegmentsOverlap == "NO"


def test_highdicom_finds_the_outline_where_the_model_drew_it(tmp_path: Path) -> None:
    segmented(tmp_path, head_reading(tmp_path))
    read = highdicom.seg.segread(tmp_path / "work" / "segmentation-1.dcm")
    assert read.get_segment_numbers(segment_label="Fetal head") == [1]
    pixels = read.get_pixels_by_source_frame(
        source_sop_instance_uid="1.2.826.0.1.3680043.10.1.2", source_frame_numbers=[12], combine_segments=True
    )
    y, x = np.mgrid[0:200, 0:300]
    inside = ((x + 0.5) / 300 - 0.5) ** 2 / 0.3**2 + ((y + 0.5) / 200 - 0.5) ** 2 / 0.4**2 < 1
    wrong = (pixels[0] != 0) ^ inside
    assert wrong.sum() < 0.01 * inside.sum(), "the polygon of 60 corners is a little smaller than its ellipse"


@pytest.mark.parametrize(
    "corners", [((0, 0), (1, 0), (1, 1), (0, 1)), ((-0.5, 0.25), (1.5, 0.25), (1.5, 0.75), (-0.5, 0.75))]
)
def test_an_outline_along_the_edge_or_beyond_fills_up_to_it(corners: Any) -> None:
    mask = mask_of([corners], (40, 60))
    top, bottom = (0, 40) if corners[0] == (0, 0) else (10, 30)
    assert mask[top:bottom].all() and mask.sum() == (bottom - top) * 60


def test_a_mask_has_the_area_of_its_outline() -> None:
    """Half a pixel too much all around would be a tenth of a thin nerve."""
    for corners in (((0.1, 0.1), (0.3, 0.1), (0.3, 0.2), (0.1, 0.2)), ((0.52, 0.4), (0.63, 0.43), (0.55, 0.61))):
        picture = Image.new("L", (2400, 1600))
        ImageDraw.Draw(picture).polygon([(x * 2400, y * 1600) for x, y in corners], fill=1)
        exact = np.asarray(picture).sum() / 64
        assert mask_of([corners], (200, 300)).sum() == pytest.approx(exact, rel=0.03)


def test_nothing_is_made_where_nothing_was_outlined_or_the_image_cannot_be_named(tmp_path: Path) -> None:
    assert drawn(tmp_path, nerve_reading(tmp_path, nerves=0, vessels=0)) is None
    assert drawn(tmp_path, head_reading(tmp_path, sop_instance_uid="no uid")) is None
    assert drawn(tmp_path, head_reading(tmp_path), series_instance_uid="") is None
    assert drawn(tmp_path, head_reading(tmp_path), rows=0) is None
    speck: Finding = head_reading(tmp_path).findings[0].model_copy(update={"contour": ((CIRCLE[0],) * 3,)})
    assert drawn(tmp_path, head_reading(tmp_path, findings=(speck,))) is None, "an outline around nothing"
