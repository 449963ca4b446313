"""A box reads nobody whose age its model was not made for, says so where staff look, and keeps ages out of its log."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from leapfrog.phantoms.exams import as_file, chest_exam, chest_picture
from support.dcmtk import store
from support.kiosk import Kiosk
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BORN, EXAM = "20190417", "20261103"
# Each patient ID with age, date of birth, and what comes of it.
PATIENTS = {
    "GROWN": ("046Y", "", "assessed"),
    "CHILD": ("", BORN, "This patient is 7 years old."),
    "UNKNOWN": ("", "19000101", "Age not given"),
    "CONTRADICTORY": ("046Y", BORN, "one of the two is wrong"),
}


def film(number: int, patient_id: str, age: str, birth_date: str) -> Dataset:
    exam = chest_exam("opaque", number)
    exam.PatientID, exam.PatientAge, exam.PatientBirthDate, exam.StudyDate = patient_id, age, birth_date, EXAM
    return exam


def without_scripts(page: str) -> str:
    """What stands on a page, without the table of its sentences."""
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def _report_of(kiosk: Kiosk, patient_id: str) -> dict[str, Any]:
    [report] = [one for one in kiosk.reports() if one["study"]["patient_id"] == patient_id]
    return report


def test_ages_from_the_image_to_report_list_and_log(tmp_path: Path) -> None:
    files = []
    for number, (patient_id, (age, birth_date, _)) in enumerate(PATIENTS.items()):
        files.append(tmp_path / f"{patient_id}.dcm")
        files[-1].write_bytes(as_file(film(number, patient_id, age, birth_date)))
    watch = {"path": str(tmp_path / "ward"), "modality": "CR", "body_part": "CHEST", "view": "PA", "age_years": 7}
    (tmp_path / "ward").mkdir()
    (tmp_path / "ward" / "film.png").write_bytes(chest_picture("opaque", 8))
    with Kiosk(tmp_path / "box", folder={"watch": [watch]}) as kiosk:
        assert store(kiosk.port, files).succeeded
        kiosk.wait_until_read(len(files) + 1)
        wait_until(lambda: len(kiosk.reports()) == len(files) + 1, "every report is there")
        images = {patient_id: _report_of(kiosk, patient_id)["images"][0] for patient_id in (*PATIENTS, "")}
        pages = {
            one["study"]["patient_id"]: next(kiosk.reports_dir.glob(f"*/{one['study_key']}/report.html")).read_text()
            for one in kiosk.reports()
        }
        wait_until(lambda: (kiosk.reports_dir / "index.html").read_text().count("<tr class=") == 5, "the list has all")
        index = (kiosk.reports_dir / "index.html").read_text()
        assert kiosk.command("reread", _report_of(kiosk, "UNKNOWN")["study_key"], "--age", "7").returncode == 0
        wait_until(
            lambda: _report_of(kiosk, "UNKNOWN")["images"][0]["outcome"] == "not_assessed", "the child's age counts"
        )
        told = kiosk.command("reread", "--all", "--age", "7")
        log = kiosk.log()
    assert (told.returncode, "name one exam" in told.stderr) == (2, True)
    assert {one: (image["outcome"] == "not_assessed", image["age_not_given"]) for one, image in images.items()} == {
        "GROWN": (False, False),
        "CHILD": (True, False),
        "UNKNOWN": (False, True),
        "CONTRADICTORY": (True, False),
        "": (True, False),
    }
    for patient_id, (_, _, said) in PATIENTS.items():
        assert said == "assessed" or said in pages[patient_id]
    assert "This patient is 7 years old." in pages[""] and "7 years (set on this box)" in pages[""]
    assert without_scripts(index).count("Age not given: for adults only") == 1
    assert "7 years by date of birth, but 46 years in the image, male" in index
    assert images["GROWN"]["model"]["not_covered"]
    for private in (BORN, "2019-04-17", "046Y", "7 years", "46 years", "patient is", "not given"):
        assert private not in log
