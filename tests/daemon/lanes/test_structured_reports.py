"""From an image in the spool to the structured report that a district is owed, with a real reader and real models."""

import io
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from leapfrog.phantoms.exams import chest_exam
from leapfrog.spool_file.content import open_content
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.records import DeliveryRecord
from support.reading_box import Box, running
from support.shipped_readings import MODELS, as_file
from support.structured_reports import group_named, opened
from support.waiting import wait_until

DISTRICT = {"url": "https://district.example/dicom-web", "send": ["structured_report"]}


def add_film(box: Box, directory: Path, view: str, sop_instance_uid: str) -> str:
    film = chest_exam("opaque", seed=7)
    film.ViewPosition, film.SOPInstanceUID = view, sop_instance_uid
    return box.add_image(study_uid=film.StudyInstanceUID, patient_id="", content=as_file(film, directory / "film.dcm"))


def owed(box: Box, count: int) -> list[DeliveryRecord]:
    """The deliveries of structured reports, the oldest first, once there are so many."""

    def listed() -> list[DeliveryRecord] | None:
        found = [one for one in Deliveries(box.journal).listed() if one.kind == "structured_report"]
        return found if len(found) == count else None

    deliveries = wait_until(listed, f"{count} structured reports are owed", deadline_seconds=60)
    assert deliveries is not None
    return deliveries


def content_of(box: Box, delivery: DeliveryRecord) -> bytes:
    with open_content(box.spool.path(delivery.spool_name or ""), delivery.byte_count) as stream:
        return stream.read()


def document_of(box: Box, delivery: DeliveryRecord) -> Dataset:
    return pydicom.dcmread(io.BytesIO(content_of(box, delivery)))


def test_an_urgent_exam_owes_its_findings_as_data_at_once_and_a_later_version_names_what_was_sent(
    tmp_path: Path,
) -> None:
    box = Box(tmp_path, quiet_seconds=3.0, packages=[MODELS], district=DISTRICT)
    with running(box):
        first = add_film(box, tmp_path, "PA", "2.25.501")
        [sent] = owed(box, 1)
        assert sent.urgent
        document = document_of(box, sent)
        assert document.SOPInstanceUID == sent.sop_instance_uid
        [image] = wait_until(lambda: box.report(first).get("images"), "the report is published") or []
        (tmp_path / "sr.dcm").write_bytes(content_of(box, sent))
        for finding in image["findings"]:
            group = group_named(opened(tmp_path / "sr.dcm"), f"Image 1: {finding['name']}")
            assert group.get_measurements()[0].value == finding["score"] * 100
        Deliveries(box.journal).confirm(sent.id)
        add_film(box, tmp_path, "AP", "2.25.502")
        newer = document_of(box, owed(box, 2)[-1])
    [study] = newer.PredecessorDocumentsSequence
    [replaced] = study.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert replaced.ReferencedSOPInstanceUID == sent.sop_instance_uid
    assert study.ReferencedSeriesSequence[0].SeriesInstanceUID == document.SeriesInstanceUID
