"""Every kind of object, made of every real file by the processes that make them on a box, is valid DICOM, and an
archive files it with the image that it was made of.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pydicom
import pytest

from leapfrog.commands.read import read_job
from leapfrog.dicom.uids import is_valid_uid
from leapfrog.exam import ImageReading, PictureHints
from leapfrog.intake.folder.file_kind import FileKind, kind_of
from leapfrog.lanes.lane import Lane
from leapfrog.processes.messages import ReadResult, ReportJob, ReportResult, Station
from leapfrog.settings import Settings
from leapfrog.spool_file.record import DerivedKind, read_record
from support.dicom3tools import errors_in, needs_dicom3tools
from support.orthanc import Orthanc, orthanc_program
from support.readings import CIRCLE, HEAD_MODEL, finding, report_job
from support.structured_reports import needs_dcmtk

KINDS = get_args(DerivedKind)
LANES = 2
LARGE = 20_000_000  # bytes: it gets a preview
# The UIDs of an exam are what an archive files by: an object that goes with it says them as they are, though their root
# is nobody's. Two of the files have such UIDs.
AS_RECEIVED = re.compile(r"Error - Illegal root for UID - \S+ in \S+ (?:Study|Series|Referenced SOP) Instance UID")


@dataclass(frozen=True)
class Made:
    """What was made of one file: of its own reading, and of one that has something to show of every kind."""

    file: Path
    reading: ImageReading
    objects: tuple[Path, ...]
    kinds: frozenset[str]
    not_made: tuple[str, ...]


@pytest.fixture(scope="module")
def made(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Made]:
    folder = tmp_path_factory.mktemp("every-file")
    files = list(_dicom_files(shared_data))
    with ThreadPoolExecutor(LANES) as pool:
        parts = pool.map(lambda part: _make_all(files[part::LANES], folder / str(part)), range(LANES))
        return [one for part in parts for one in part]


def _make_all(files: Sequence[Path], folder: Path) -> list[Made]:
    """By a lane of its own."""
    folder.mkdir()
    settings = Settings.model_validate({"station": {"state_dir": folder}})
    lane = Lane(settings.engine, settings.models, folder, folder)
    try:
        return [_make(lane, settings, file, folder / f"file-{number}") for number, file in enumerate(files)]
    finally:
        lane.close()


def _dicom_files(shared_data: Path) -> Iterator[Path]:
    for file in sorted(path for name in ("dicom", "cases") for path in (shared_data / name).rglob("*")):
        if file.is_file():
            with file.open("rb") as stream:
                if kind_of(stream, file.name) is FileKind.DICOM:
                    yield file


def _make(lane: Lane, settings: Settings, file: Path, folder: Path) -> Made:
    folder.mkdir()
    work = folder / "work"
    work.mkdir()
    hints = PictureHints()
    end = lane.run(read_job(file, FileKind.DICOM, hints, settings, source="test", report_dir=folder, work_dir=work))
    assert isinstance(end, ReadResult), file
    own = lane.run(_job(folder, "own", end.reading))
    full = lane.run(_job(folder, "full", _with_something_of_every_kind(end.reading)))
    assert isinstance(own, ReportResult) and isinstance(full, ReportResult), file
    objects = [folder / name / one.name for name, result in (("own", own), ("full", full)) for one in result.produced]
    for path in objects:
        record = read_record(path)
        assert record is not None
        path.write_bytes(path.read_bytes()[: record.byte_count])
    kinds = frozenset(one.role for one in full.produced)
    return Made(file, end.reading, tuple(objects), kinds, own.not_made)


def _job(folder: Path, name: str, reading: ImageReading) -> ReportJob:
    work = folder / name
    work.mkdir()
    station = Station(name="Kitgum", ae_title="LEAPFROG", issuer_of_patient_id="KITGUM", software_version="0.1.0")
    return report_job(
        folder, reading, derived=KINDS, work_dir=work, station=station, made_at="2026-11-03T14:25:20+03:00"
    )


def _with_something_of_every_kind(reading: ImageReading) -> ImageReading:
    """A large image in which something was outlined, if it has a picture at all."""
    if reading.plain is None:
        return reading
    return reading.model_copy(
        update={
            "model": HEAD_MODEL,
            "outcome": "findings",
            "findings": (finding("Fetal head", 0.97, contour=(CIRCLE,)),),
            "overlay": reading.overlay or reading.plain,
            "header": reading.header.model_copy(update={"byte_count": LARGE}),
        }
    )


def test_each_kind_is_made_of_each_picture_in_an_exam_that_can_be_filed(made: list[Made]) -> None:
    assert len(made) > 150
    for one in made:
        if not is_valid_uid(one.reading.identity.study_instance_uid):
            assert not one.objects and "no Study Instance UID" in one.not_made[0]
        elif one.reading.plain is not None and is_valid_uid(one.reading.sop_instance_uid):
            assert one.kinds == set(KINDS), one.file


@needs_dicom3tools
def test_all_are_valid(made: list[Made]) -> None:
    errors = errors_in(path for one in made for path in one.objects)
    wrong = {path: [line for line in lines if not AS_RECEIVED.match(line)] for path, lines in errors.items()}
    assert {path.name: lines for path, lines in wrong.items() if lines} == {}
    assert len({one.file for one in made if any(path in errors for path in one.objects)}) <= 2


@needs_dcmtk
def test_dcmtk_shows_every_structured_report(made: list[Made]) -> None:
    """Of an object that is no image too, as machines send with their images."""
    reports = [path for one in made for path in one.objects if path.name == "structured_report.dcm"]
    with ThreadPoolExecutor(LANES) as pool:
        statuses = pool.map(_status_of_dsr2html, reports)
        assert [path for path, status in zip(reports, statuses, strict=True) if status] == []


def _status_of_dsr2html(path: Path) -> int:
    return subprocess.run(["dsr2html", path], capture_output=True, timeout=60, check=False).returncode


def test_an_invalid_value_of_an_original_is_left_out(made: list[Made]) -> None:
    [film] = [one for one in made if one.reading.identity.patient_age == "81" and one.objects]
    assert not any("PatientAge" in pydicom.dcmread(path) for path in film.objects)
    old = [one for one in made if one.reading.identity.study_date == "1994.11.05" and one.objects]
    assert old and all(pydicom.dcmread(path).StudyDate == "" for one in old for path in one.objects)


@pytest.mark.skipif(orthanc_program() is None, reason="Orthanc is not installed")
def test_an_archive_files_each_beside_its_image(made: list[Made], tmp_path: Path) -> None:
    """One image of each exam of which something is outlined or flagged, and some others."""
    chosen = [
        one for number, one in enumerate(made) if one.objects and (len(one.objects) > len(KINDS) or number % 8 == 0)
    ]
    with Orthanc(tmp_path / "orthanc") as archive:
        for one in chosen:
            original = archive.upload(one.file.read_bytes())
            if original is None:  # not even an image for it
                continue
            for path in one.objects:
                stored = archive.upload(path.read_bytes())
                assert stored is not None, path
                assert stored["ParentStudy"] == original["ParentStudy"], (one.file, path.name)
        studies = {one["MainDicomTags"]["StudyInstanceUID"] for one in archive.listed("studies")}
    assert len(studies) > 15, json.dumps(sorted(studies))
