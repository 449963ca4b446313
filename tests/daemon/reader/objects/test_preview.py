"""A small copy of a large image goes ahead of it, once."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from leapfrog.exam import ImageReading
from leapfrog.reader.objects.preview import MOST_BYTES, SMALL_ORIGINAL_BYTES, preview_uid
from leapfrog.reader.report.overlay import save_plain
from leapfrog.reader.report.study_report import render
from support.readings import chest_reading, head_reading, report_job
from support.spooled import without_record


def large(reading: ImageReading, **header: Any) -> ImageReading:
    values = {"byte_count": SMALL_ORIGINAL_BYTES + 1, **header}
    return reading.model_copy(update={"header": reading.header.model_copy(update=values)})


def previews(report_dir: Path, *readings: ImageReading, **job: Any) -> list[pydicom.Dataset]:
    result = render(report_job(report_dir, *readings, derived=("preview",), **job))
    return [pydicom.dcmread(without_record(report_dir / "work" / one.name)) for one in result.produced]


@pytest.fixture
def film(tmp_path: Path) -> ImageReading:
    """A film as it is displayed, with the grain of a real one."""
    reading = large(chest_reading(tmp_path))
    rows, columns = 1600, 1300
    y, x = np.mgrid[0:rows, 0:columns]
    gray = 110 + 70 * np.sin(x / 160) * np.cos(y / 210) + np.random.default_rng(1).normal(0, 3, (rows, columns))
    save_plain(gray.clip(0, 255).astype(np.uint8), tmp_path / "plain-1.jpg")
    return reading


def test_a_film_is_a_gray_jpeg_of_1024_pixels_and_60_kilobytes(tmp_path: Path, film: ImageReading) -> None:
    [one] = previews(tmp_path, film)
    assert (one.Rows, one.Columns) == (1024, 832)
    assert (one.SamplesPerPixel, one.PhotometricInterpretation) == (1, "MONOCHROME2")
    assert len(one.PixelData) <= MOST_BYTES + 100
    assert one.SourceImageSequence[0].ReferencedSOPInstanceUID == film.sop_instance_uid
    with Image.open(tmp_path / "plain-1.jpg") as plain:
        small = np.asarray(plain.resize((832, 1024), Image.Resampling.LANCZOS), dtype=float)
    assert np.abs(one.pixel_array - small).mean() < 3


def test_small_originals_and_those_without_a_picture_have_none(tmp_path: Path, film: ImageReading) -> None:
    assert not previews(tmp_path, large(film, byte_count=SMALL_ORIGINAL_BYTES))
    assert not previews(tmp_path, film.model_copy(update={"plain": None}))


@pytest.mark.parametrize(
    ("said", "graphics", "burned_in"),
    [("NO", False, "NO"), ("NO", True, "YES"), ("YES", False, "YES"), ("", False, "YES")],
)
def test_it_counts_as_written_on_unless_the_original_says_that_it_is_not(
    said: str, graphics: bool, burned_in: str, tmp_path: Path, film: ImageReading
) -> None:
    [one] = previews(tmp_path, large(film, burned_in_annotation=said, has_graphics=graphics))
    assert one.BurnedInAnnotation == burned_in


def test_a_later_version_does_not_make_it_again(tmp_path: Path, film: ImageReading) -> None:
    [one] = previews(tmp_path, film)
    assert one.SOPInstanceUID == preview_uid(film)
    head = large(head_reading(tmp_path))
    [other] = previews(tmp_path, film, head, version=2, known_previews=(one.SOPInstanceUID,))
    assert other.SOPInstanceUID == preview_uid(head)
    assert (other.SeriesInstanceUID, other.SeriesNumber) == (one.SeriesInstanceUID, one.SeriesNumber)
