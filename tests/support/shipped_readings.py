"""Readings of made-up exams by the packages that ship with the box, as a reader makes them."""

from pathlib import Path

from pydicom.dataset import Dataset

import leapfrog
from leapfrog.exam import ImageReading
from leapfrog.packages.catalogue import find_packages
from leapfrog.packages.package import ANY_SIGNATURE
from leapfrog.processes.messages import ReadJob
from leapfrog.reader.image_reader import ImageReader
from support.models_here import ModelsHere

MODELS = Path(leapfrog.__file__).parent / "models"


def shipped_reading(file: Path, report_dir: Path, **changes: object) -> ImageReading:
    """What the shipped packages find in the DICOM file, or the picture, `file`; its pictures go to `report_dir`."""
    work_dir = report_dir / "work"
    work_dir.mkdir(parents=True, exist_ok=True)
    job = ReadJob(
        instance_id=f"{len(list(report_dir.iterdir())):016x}",
        study_key="study",
        attempt=1,
        source_path=file,
        source_byte_count=file.stat().st_size,
        source="test",
        received_at="2026-11-05T10:00:00+00:00",
        unknown_age="adult",
        assumed_character_set="",
        report_dir=report_dir,
        work_dir=work_dir,
    ).model_copy(update=changes)
    catalogue = find_packages((MODELS,), ANY_SIGNATURE)
    return ImageReader(catalogue, ModelsHere(), 4, 0.0, 30.0).read(job, lambda _stage: None).reading


def as_file(dataset: Dataset, path: Path) -> Path:
    """`dataset` as the DICOM file `path`."""
    dataset.save_as(path, enforce_file_format=True)
    return path
