"""A box with three kinds of destination, from the exams over a kill to the radiologist's answer: each destination has
every original and the current result once.
"""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage, EncapsulatedPDFStorage, JPEGLSLossless, SegmentationStorage

from leapfrog.phantoms.exams import chest_exam, fetal_head_exam
from leapfrog.phantoms.fetal_head import FetalHead
from support import dcmtk
from support.archives import query_scp
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.radiologist import EFFUSION, PRESENT, coded_content, file_of, structured_report
from support.waiting import wait_until

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(orthanc_program() is None, reason="Orthanc with its DICOMweb plug-in is not installed"),
]
DESTINATIONS = ("district", "archive", "promises")
SECONDS = 120.0  # programs that call archives take seconds to start on a busy machine


@dataclass(frozen=True)
class Server:
    """What holds the objects of one destination."""

    held: Callable[[], Counter[str]]
    objects: Callable[[], Iterable[Dataset]]


@pytest.fixture
def district(tmp_path: Path) -> Iterator[Orthanc]:
    with Orthanc(tmp_path / "district") as server:
        yield server


def objects_of(server: Orthanc) -> Iterable[Dataset]:
    return [dcmread(io.BytesIO(content)) for content in server.files(server.held()).values()]


def exam_file(path: Path, exam: Dataset) -> Path:
    dcmwrite(path, exam, enforce_file_format=True)
    return path


def report_number(document: Dataset) -> int:
    """Its version, as its series says it."""
    said = re.search(r"\(v(\d+)", document.SeriesDescription)
    assert said, document.SeriesDescription
    return int(said[1])


def replaced_by(document: Dataset) -> set[str]:
    """The UIDs of the documents whose place it takes."""
    return {
        reference.ReferencedSOPInstanceUID
        for study in document.get("PredecessorDocumentsSequence", [])
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    }


def confirmed_everywhere(kiosk: Kiosk, study_uid: str) -> bool:
    """Whether nothing of the exam waits, and its structured report is at each destination."""
    rows = kiosk.rows(
        "SELECT destination, deliveries.kind, deliveries.state FROM deliveries JOIN studies ON study_key = key"
        f" WHERE study_instance_uid = '{study_uid}' AND deliveries.kind != 'print'"
    )
    reported = {name for name, kind, state in rows if (kind, state) == ("structured_report", "confirmed")}
    return reported == set(DESTINATIONS) and all(state != "waiting" for _, _, state in rows)


def confirmed(kiosk: Kiosk, destination: str) -> Counter[str]:
    """How often it was confirmed to hold each SOP Instance UID."""
    rows = kiosk.rows(
        "SELECT sop_instance_uid FROM deliveries"
        f" WHERE state = 'confirmed' AND destination = '{destination}' AND kind != 'print'"
    )
    return Counter(uid for (uid,) in rows)


def store_and_kill_in_the_midst(kiosk: Kiosk, files: list[Path]) -> None:
    """Store `files`, and kill -9 the daemon when some of what they bring has been confirmed, and some has not."""

    def counts() -> tuple[int, int]:
        [(done, waiting)] = kiosk.rows(
            "SELECT count(*) FILTER (WHERE state = 'confirmed'), count(*) FILTER (WHERE state = 'waiting')"
            " FROM deliveries"
        )
        return done, waiting

    before, _ = counts()
    assert dcmtk.store(kiosk.port, files).succeeded
    wait_until(lambda: counts()[0] > before, "some of it has arrived", deadline_seconds=SECONDS, poll_seconds=0.02)
    kiosk.kill()
    assert counts()[1], "the kill comes in the midst"


def answer_from_the_film_room(district: Orthanc, exam: Dataset, path: Path) -> str:
    """A radiologist stores a report of `exam` at the district, by C-STORE. Returns its UID."""
    answer = structured_report(
        exam.StudyInstanceUID,
        str(exam.PatientID),
        exam.get("PatientBirthDate", ""),
        content=coded_content((EFFUSION, PRESENT)),
        PatientName=exam.PatientName,
    )
    path.write_bytes(file_of(answer))
    pushed = dcmtk.store(district.dicom_port, [path], called="DISTRICT", calling="FILMROOM")
    assert pushed.succeeded, pushed.text
    return str(answer.SOPInstanceUID)


def wait_until_nothing_waits(kiosk: Kiosk) -> dict[str, Any]:
    kiosk.wait_until_quiet(deadline_seconds=SECONDS)
    wait_until(lambda: not kiosk.status()["deliveries"]["waiting"], "nothing waits", deadline_seconds=SECONDS)
    return kiosk.status()


def test_every_destination_has_each_original_and_the_current_result_once_and_the_answer_comes_back(
    tmp_path: Path, district: Orthanc
) -> None:
    film, urgent, head = (
        chest_exam("clear", seed=8),
        chest_exam("opaque", seed=7),
        fetal_head_exam(FetalHead(), seed=7, frames=1),
    )
    late = chest_exam("clear", seed=9)
    late.StudyInstanceUID, late.PatientID, late.PatientName = film.StudyInstanceUID, film.PatientID, film.PatientName
    originals = {str(one.SOPInstanceUID): one for one in (film, late, urgent, head)}
    by_dicom = {"kind": "dicom", "host": "127.0.0.1"}
    with ExitStack() as stack:
        archive = stack.enter_context(query_scp(tmp_path / "archive"))
        promising = stack.enter_context(Orthanc(tmp_path / "promising", DicomAet="PROMISES"))
        destinations = (
            {"name": "archive", "port": archive.port, "ae_title": "ARCHIVE", **by_dicom},
            {"name": "promises", "port": promising.dicom_port, "ae_title": "PROMISES", "commit": True, **by_dicom},
        )
        to_district = {"url": district.dicomweb_url, "fetch_reports": True}
        kiosk = stack.enter_context(Kiosk(tmp_path / "box", district=to_district, destination=destinations))
        promising.know("box", "LEAPFROG", kiosk.port)
        servers = {
            "district": Server(district.held, lambda: objects_of(district)),
            "archive": Server(archive.held, lambda: [dcmread(path) for path in archive.files()]),
            "promises": Server(promising.held, lambda: objects_of(promising)),
        }

        assert dcmtk.store(kiosk.port, [exam_file(tmp_path / "film.dcm", film)]).succeeded
        kiosk.wait_until_read(1, deadline_seconds=SECONDS)
        kiosk.wait_until_quiet()
        wait_until(
            lambda: confirmed_everywhere(kiosk, film.StudyInstanceUID),
            "the first report is everywhere",
            deadline_seconds=SECONDS,
        )
        first = {str(one.SOPInstanceUID) for one in objects_of(district) if one.SOPClassUID == ComprehensiveSRStorage}

        others = [exam_file(tmp_path / f"{number}.dcm", one) for number, one in enumerate((late, urgent, head))]
        store_and_kill_in_the_midst(kiosk, others)
        kiosk.start()

        status = wait_until_nothing_waits(kiosk)
        for counts in (one["deliveries"] for one in status["outbox"]["destinations"]):
            assert counts["waiting"] == counts["refused"] == 0 < counts["confirmed"]
        sent = {name: confirmed(kiosk, name) for name in DESTINATIONS}
        for name, server in servers.items():
            assert server.held() == sent[name], f"{name} holds what was sent, each once, and nothing else"
            _check_objects(list(server.objects()), originals, str(film.StudyInstanceUID), first)
        stored = {str(one.SOPInstanceUID): one.file_meta.TransferSyntaxUID for one in objects_of(district)}
        assert {stored[uid] for uid in originals} == {JPEGLSLossless}, "uncompressed images went smaller"

        answer = answer_from_the_film_room(district, urgent, tmp_path / "answer.dcm")
        kiosk.ask("sync")
        wait_until(lambda: len(_answered(kiosk)) == 1, "the answer is shown", deadline_seconds=SECONDS)
        [page] = _answered(kiosk)
        assert page.index("Pleural effusion") < page.index("What the model found")
        status = wait_until_nothing_waits(kiosk)
        assert status["deliveries"]["refused"] == 0
        assert {name: server.held() for name, server in servers.items()} == {
            **sent,
            "district": sent["district"] + Counter([answer]),
        }, "and nothing new went anywhere"
        assert kiosk.stop() == 0
    assert "Traceback" not in kiosk.log()


def _answered(kiosk: Kiosk) -> list[str]:
    pages = [path.read_text() for path in kiosk.reports_dir.glob("*/*/report.html")]
    return [page for page in pages if "The radiologist has answered" in page]


def _check_objects(
    objects: list[Dataset], originals: dict[str, Dataset], twice_reported: str, first_reports: set[str]
) -> None:
    """What one destination holds: originals with their very pixels, and of each exam one current report."""
    by_uid = {str(one.SOPInstanceUID): one for one in objects}
    for uid, original in originals.items():
        assert np.array_equal(by_uid[uid].pixel_array, original.pixel_array)
        assert by_uid[uid].PatientName == original.PatientName
    studies = {str(one.StudyInstanceUID) for one in originals.values()}
    for study in studies:
        of_study = [one for one in objects if one.StudyInstanceUID == study]
        documents = [one for one in of_study if one.SOPClassUID == ComprehensiveSRStorage]
        replaced = set().union(*(replaced_by(one) for one in documents))
        [current] = [one for one in documents if one.SOPInstanceUID not in replaced]
        papers = [report_number(one) for one in of_study if one.SOPClassUID == EncapsulatedPDFStorage]
        assert report_number(current) == max(report_number(one) for one in documents) == max(papers)
        if study == twice_reported:
            assert first_reports & replaced_by(current)
    assert [one for one in objects if one.SOPClassUID == SegmentationStorage]
