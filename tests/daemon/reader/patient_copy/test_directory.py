"""The directory of a medium, for every kind of object, read by pydicom as it is by viewers."""

from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import (
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    RawDataStorage,
    SegmentationStorage,
    TwelveLeadECGWaveformStorage,
    UltrasoundMultiFrameImageStorage,
)

from leapfrog.exam import Identity
from leapfrog.processes.copy_messages import DirectoryJob, Listed, ListedFile
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.patient_copy.directory import dicomdir
from leapfrog.reader.patient_copy.directory_records import listed
from support.instances import gradient, image_dataset
from support.radiologist import RADIOLOGY_REPORT, coded, structured_report

IDENTITY = Identity(
    patient_name="Okello^Grace",
    patient_id="KIT-7",
    study_instance_uid="2.25.1002",
    study_date="20261103",
    study_id="S1",
    study_time="9 o'clock",
)


def said(dataset: Dataset, number: int = 1) -> Listed:
    return listed(dataset, ExplicitVRLittleEndian, number=number, day="20261103")


def written(root: Path, *all_said: Listed) -> FileSet:
    files = [ListedFile(file_id=("DICOM", f"IM{n:06}"), listed=one) for n, one in enumerate(all_said, start=1)]
    job = DirectoryJob(place=root, uid="2.25.1", file_set_id="K7_42F", identity=IDENTITY, files=tuple(files))
    for one in files:
        (root / "DICOM").mkdir(exist_ok=True)
        (root / "DICOM" / one.file_id[1]).touch()
    (root / "DICOMDIR").write_bytes(dicomdir(job))
    return FileSet(root / "DICOMDIR")


def of_class(uid: str, **attributes: object) -> Dataset:
    return image_dataset(gradient(), SOPClassUID=uid, **attributes)


@pytest.mark.parametrize(
    ("dataset", "record_type"),
    [
        (of_class(UltrasoundMultiFrameImageStorage), "IMAGE"),
        (of_class(SegmentationStorage), "IMAGE"),
        (structured_report("2.25.1002", "KIT-7"), "SR DOCUMENT"),
        (
            of_class(KeyObjectSelectionDocumentStorage, ConceptNameCodeSequence=[coded(RADIOLOGY_REPORT)]),
            "KEY OBJECT DOC",
        ),
        (of_class(EncapsulatedPDFStorage, MIMETypeOfEncapsulatedDocument="application/pdf"), "ENCAP DOC"),
        (of_class(TwelveLeadECGWaveformStorage), "WAVEFORM"),
        (of_class(RawDataStorage), "RAW DATA"),
    ],
)
def test_each_kind_of_object_has_its_kind_of_record(tmp_path: Path, dataset: Dataset, record_type: str) -> None:
    (one,) = written(tmp_path, said(dataset))
    assert one.node.record_type == record_type
    assert one.ReferencedSOPInstanceUIDInFile == dataset.SOPInstanceUID


@pytest.mark.parametrize(
    "dataset",
    [
        of_class("1.3.46.670589.11.0.0.12.1"),  # private
        of_class(GrayscaleSoftcopyPresentationStateStorage),  # of nothing
        of_class(UltrasoundMultiFrameImageStorage, SeriesInstanceUID=""),
    ],
)
def test_what_a_directory_cannot_hold_is_refused(dataset: Dataset) -> None:
    with pytest.raises(AsItCame):
        said(dataset)


def test_series_and_images_are_in_their_order(tmp_path: Path) -> None:
    def image(series: int, number: int) -> Listed:
        uid = UltrasoundMultiFrameImageStorage
        return said(of_class(uid, SeriesNumber=series, SeriesInstanceUID=f"2.25.{series}", InstanceNumber=number))

    found = written(tmp_path, image(2, 1), image(1, 10), image(1, 2))
    assert [one.ReferencedFileID[1] for one in found] == ["IM000003", "IM000002", "IM000001"]


def test_what_a_study_lacks_or_says_wrongly_is_filled_in(tmp_path: Path) -> None:
    (one,) = written(tmp_path, said(of_class(UltrasoundMultiFrameImageStorage)))
    assert (one.StudyTime, one.StudyDate, one.SeriesNumber, one.InstanceNumber) == ("000000", "20261103", 1, 1)
