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
from leapfrog.processes.copy_messages import DirectoryJob, DirectoryWritten, Listed
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.patient_copy.directory import write_directory
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


def written(folder: Path, *all_said: Listed) -> FileSet:
    scratch, stick = folder / "scratch", folder / "stick"
    scratch.mkdir()
    stick.mkdir()
    place = stick / "DICOMDIR"
    job = DirectoryJob(
        place=place, scratch=scratch, uid="2.25.1", file_set_id="K7_42F", identity=IDENTITY, files=all_said
    )
    answer = write_directory(job)
    assert isinstance(answer, DirectoryWritten)
    for one, file_id in zip(all_said, answer.file_ids, strict=True):
        (stick / file_id).parent.mkdir(parents=True, exist_ok=True)
        (stick / file_id).write_text(one.series_instance_uid)
    return FileSet(place)


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
        return said(
            of_class(
                uid,
                SeriesNumber=series,
                SeriesInstanceUID=f"2.25.{series}",
                InstanceNumber=number,
                SOPInstanceUID=f"2.25.{series}.{number}",
            )
        )

    found = written(tmp_path, image(2, 1), image(1, 10), image(1, 2))
    assert [(one.SeriesNumber, one.InstanceNumber) for one in found] == [(1, 2), (1, 10), (2, 1)]
    assert [one["ReferencedFileID"].value[2:] for one in found] == [
        ["SE000000", "IM000000"],
        ["SE000000", "IM000001"],
        ["SE000001", "IM000000"],
    ]
    for one in found:
        assert Path(one.path).read_text() == one.SeriesInstanceUID  # each file is told its own place


def test_what_a_study_lacks_or_says_wrongly_is_filled_in(tmp_path: Path) -> None:
    (one,) = written(tmp_path, said(of_class(UltrasoundMultiFrameImageStorage)))
    assert (one.StudyTime, one.StudyDate, one.SeriesNumber, one.InstanceNumber) == ("000000", "20261103", 1, 1)
