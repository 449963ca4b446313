"""Structured reports as a reader writes them, and what others say of them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import highdicom as hd
import pydicom
import pytest
from highdicom.sr import ComprehensiveSR, MeasurementReport
from pydicom.dataset import Dataset

from leapfrog.exam import ImageReading
from leapfrog.reader.report.study_report import render
from support.readings import report_job
from support.spooled import without_record

needs_dcmtk = pytest.mark.skipif(shutil.which("dsrdump") is None, reason="DCMTK is not installed")


def structured_report_file(report_dir: Path, *readings: ImageReading, **values: object) -> Path:
    """The structured report of `readings` as a DICOM file, as `render` leaves it; `values` are those of its job."""
    job = report_job(report_dir, *readings, **{"derived": ("structured_report",), "pdf": False, **values})
    [made] = render(job).produced
    return without_record(job.work_dir / made.name)


def opened(file: Path) -> ComprehensiveSR:
    """The report as highdicom reads it."""
    document = hd.sr.srread(file)
    assert isinstance(document, ComprehensiveSR)
    return document


def groups(document: ComprehensiveSR) -> list[Any]:
    """All groups of statements, those without a region first: highdicom's own classes, of which a test knows which."""
    content = document.content
    assert isinstance(content, MeasurementReport)
    return [*content.get_image_measurement_groups(), *content.get_planar_roi_measurement_groups()]


def group_named(document: ComprehensiveSR, name: str) -> Any:
    """The group with this tracking identifier."""
    [found] = [group for group in groups(document) if group.tracking_identifier == name]
    return found


def said(item: Dataset, name: str) -> list[str]:
    """Texts and meanings of codes under the label `name`, directly in `item`."""
    return [_value(one) for one in item.ContentSequence if one.ConceptNameCodeSequence[0].CodeMeaning == name]


def all_texts(item: Dataset) -> Iterator[str]:
    """Every text in `item`, however deep."""
    for one in item.get("ContentSequence", ()):
        if one.ValueType == "TEXT":
            yield one.TextValue
        yield from all_texts(one)


def plain(file: Path) -> Dataset:
    """The file as it is."""
    return pydicom.dcmread(file)


def _value(item: Dataset) -> str:
    if item.ValueType == "CODE":
        return str(item.ConceptCodeSequence[0].CodeMeaning)
    return str(item.get("TextValue", ""))
