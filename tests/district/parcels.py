"""What boxes send: real films and what a box makes of an exam, each once as a file, which goes out under new UIDs as
often as is wanted.
"""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless

from leapfrog.dicom.part10 import Part10Source
from leapfrog.reader.report.study_report import render
from support.instances import image_dataset, save
from support.readings import chest_reading, report_job
from support.spooled import without_record

# Of one length, so that others fit into their places.
SOP, STUDY, SERIES = (f"2.25.{digit * 35}" for digit in "123")
PATIENT_ID = "PATIENT-000000"
HEAD_BYTES = 65_536  # the places are within these
COMPRESSED_ALREADY = ("pydicom-data_MIT/RG1_J2KI.dcm", "us_brachial_GPL3/12-08_20210C_20210100.dcm")
UNCOMPRESSED = ("nhsx_nih_dx_MIT/1.3.6.1.4.1.11129.5.5.110503645592756492463169821050252582267888.dcm",)
FILMS = 12


@dataclass(frozen=True)
class Parcel:
    """One file. `kind` is "result" or "original"."""

    kind: str
    path: Path

    def message(self) -> dict[str, str]:
        """For another process."""
        return {key: str(value) for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Place:
    """Where an object belongs: a patient's number at their clinic, a study, a series."""

    patient_id: str
    study_instance_uid: str
    series_instance_uid: str


def new_uid() -> str:
    """A UID as long as those that it replaces."""
    return f"2.25.{1 + secrets.randbelow(9)}{secrets.randbelow(10**34):034}"


def new_place(patient: int, study_instance_uid: str | None = None) -> Place:
    """A place for an object of the clinic's patient with this number; a new study unless one is given."""
    return Place(f"PATIENT-{patient:06}", study_instance_uid or new_uid(), new_uid())


def source_under(parcel: Parcel, sop_instance_uid: str, place: Place) -> Part10Source:
    """How to send it once more as another object."""
    size = parcel.path.stat().st_size
    with parcel.path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    replaced = {
        SOP: sop_instance_uid,
        STUDY: place.study_instance_uid,
        SERIES: place.series_instance_uid,
        PATIENT_ID: place.patient_id,
    }
    for old, new in replaced.items():
        head = head.replace(old.encode(), new.encode())
    return Part10Source(parcel.path, head, min(HEAD_BYTES, size), max(0, size - HEAD_BYTES))


def make_parcels(folder: Path, shared_data: Path) -> list[Parcel]:
    """One of each: a box's structured report, PDF and overlay of an exam, and real films as a box sends them: in
    JPEG-LS, or as they came if they were compressed.
    """
    return [
        *(Parcel("result", _write(dataset, folder / f"result-{n}.dcm")) for n, dataset in enumerate(_results(folder))),
        *(
            Parcel("original", _write(dataset, folder / f"original-{n}.dcm"))
            for n, dataset in enumerate(_originals(shared_data))
        ),
    ]


def _results(folder: Path) -> Iterator[Dataset]:
    (folder / "report").mkdir()
    derived = ("structured_report", "report_pdf", "overlay")
    made = render(report_job(folder / "report", chest_reading(folder / "report"), derived=derived))
    for one in made.produced:
        yield pydicom.dcmread(without_record(folder / "report" / "work" / one.name))


def _originals(shared_data: Path) -> Iterator[Dataset]:
    for name in COMPRESSED_ALREADY:
        yield pydicom.dcmread(shared_data / "dicom" / name)
    for name in UNCOMPRESSED:
        film = pydicom.dcmread(shared_data / "dicom" / name)
        film.compress(JPEGLSLossless)
        yield film
    for picture in sorted((shared_data / "chestxray14" / "images_1024").glob("*.png"))[:FILMS]:
        dataset = image_dataset(np.asarray(Image.open(picture).convert("L")), BodyPartExamined="CHEST")
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        dataset.compress(JPEGLSLossless)
        yield dataset


def _write(dataset: Any, path: Path) -> Path:
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = SOP, STUDY, SERIES
    dataset.PatientID = PATIENT_ID
    if "IssuerOfPatientID" in dataset:
        del dataset.IssuerOfPatientID
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.file_meta.MediaStorageSOPInstanceUID = SOP
    return save(dataset, path, syntax)
