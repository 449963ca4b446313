"""A radiologist answers at the district: the list and the exam's page say so, and nothing of it goes back."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from support import dcmtk
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.radiologist import EFFUSION, PNEUMONIA, PRESENT, coded_content, file_of, structured_report
from support.waiting import wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def district(tmp_path: Path) -> Iterator[Orthanc]:
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    with Orthanc(tmp_path / "orthanc") as server:
        yield server


def page(kiosk: Kiosk) -> str:
    """The report of the one exam, as staff see it."""
    (file,) = kiosk.reports_dir.glob("*/*/report.html")
    return file.read_text()


def answer_with(district: Orthanc, film: Path, **values: str) -> str:
    """A radiologist looks at `film` there, and finds an effusion and pneumonia. Returns the report's UID."""
    exam = pydicom.dcmread(film, stop_before_pixels=True)
    content = coded_content((PNEUMONIA, PRESENT), (EFFUSION, PRESENT))
    patient = {"patient_id": exam.PatientID, "birth_date": exam.get("PatientBirthDate", ""), **values}
    report = structured_report(exam.StudyInstanceUID, **patient, content=content, PatientName=exam.PatientName)
    district.add(file_of(report))
    return str(report.SOPInstanceUID)


def test_an_answer_is_shown_first_survives_a_kill_and_comes_back_from_a_backup(
    tmp_path: Path, district: Orthanc
) -> None:
    (film,) = write_instances(chest_radiograph(256, 320), tmp_path / "films", 1)
    backup = tmp_path / "box.backup"
    settings = {"url": district.dicomweb_url, "fetch_reports": True}
    with Kiosk(tmp_path / "k", district=settings, report={"quiet_seconds": 0.2}) as kiosk:
        assert dcmtk.store(kiosk.port, [film.path]).succeeded
        kiosk.wait_until_quiet()
        wait_until(lambda: kiosk.status()["deliveries"]["waiting"] == 0, "all is confirmed", deadline_seconds=60)
        sent = district.held()
        uid = answer_with(district, film.path)
        kiosk.ask("sync")
        wait_until(lambda: "The radiologist has answered" in page(kiosk), "it is shown", deadline_seconds=60)
        shown = page(kiosk)
        assert shown.index("Pleural effusion") < shown.index("What the model found")
        (document,) = (json.loads(one.read_text()) for one in kiosk.reports_dir.glob("*/*/report.json"))
        assert [one["sop_instance_uid"] for one in document["answers"]] == [uid]
        listed = kiosk.reports_dir / "index.html"
        wait_until(lambda: "the radiologist has answered" in listed.read_text(), "the list says so")
        kiosk.wait_until_quiet()
        assert district.held() == sent | {uid: 1}  # nothing else went there

        kiosk.kill()
        kiosk.start()
        kiosk.ask("sync")
        assert kiosk.command("backup", str(backup)).returncode == 0
        assert page(kiosk) == shown
    restored = kiosk.command("restore", str(backup), "--replace")
    assert restored.returncode == 0, restored.stderr
    with kiosk:
        wait_until(lambda: "The radiologist has answered" in page(kiosk), "it is back", deadline_seconds=60)
        assert list((kiosk.state_dir / "answers").glob("*.dcm"))


def test_one_for_another_patient_is_told_and_not_shown(tmp_path: Path, district: Orthanc) -> None:
    (film,) = write_instances(chest_radiograph(256, 320), tmp_path / "films", 1)
    settings = {"url": district.dicomweb_url, "fetch_reports": True}
    with Kiosk(tmp_path / "k", district=settings, report={"quiet_seconds": 0.2}) as kiosk:
        assert dcmtk.store(kiosk.port, [film.path]).succeeded
        kiosk.wait_until_quiet()
        wait_until(lambda: kiosk.status()["deliveries"]["waiting"] == 0, "all is confirmed", deadline_seconds=60)
        answer_with(district, film.path, patient_id="SOMEBODY-ELSE")
        kiosk.ask("sync")
        told = "An answer for another patient came under this exam"
        wait_until(lambda: told in page(kiosk), "it is told", deadline_seconds=60)
        assert "Odhiambo" not in page(kiosk)
        wait_until(lambda: told in (kiosk.reports_dir / "index.html").read_text(), "the list says so")
        said = json.dumps(kiosk.status())
        assert re.search("Answers for another patient.*came under exams of this box", said)
