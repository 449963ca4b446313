"""Names as machines really send them, from the network to list and report: in a code page or in UTF-8, declared as
Latin-1, and in a script whose font comes with the pages.
"""

from pathlib import Path

import pytest

from leapfrog.phantoms.exams import as_file, chest_exam
from support.dcmtk import store
from support.kiosk import Kiosk
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# What is sent for a patient's name and ID, and what is read.
SENT = {
    "code page": ("Иванова^Анна", "ПАЦ-7", "cp1251"),
    "UTF-8": ("राम^कुमार", "रोगी-3", "utf-8"),
}


def _film(number: int, name: bytes, patient_id: bytes) -> bytes:
    """A file that says that its text is Latin-1."""
    exam = chest_exam("opaque", number)
    exam.SpecificCharacterSet = "ISO_IR 100"
    exam.PatientName, exam.PatientID = "N" * len(name), "I" * len(patient_id)
    content = as_file(exam)
    return content.replace(b"N" * len(name), name).replace(b"I" * len(patient_id), patient_id)


def _even(text: bytes) -> bytes:
    return text + b" " * (len(text) % 2)


def test_names_are_read_in_what_they_are_in_and_the_report_says_what_was_assumed(tmp_path: Path) -> None:
    files = []
    for number, (what, (name, patient_id, codec)) in enumerate(SENT.items()):
        files.append(tmp_path / f"{what}.dcm")
        files[-1].write_bytes(_film(number, _even(name.encode(codec)), _even(patient_id.encode(codec))))
    with Kiosk(tmp_path / "box", dicom={"assumed_character_set": "windows-1251"}) as kiosk:
        assert store(kiosk.port, files).succeeded
        wait_until(lambda: len(kiosk.reports()) == len(files), "every report is there")
        reports = {report["study"]["patient_name"]: report for report in kiosk.reports()}
        assert reports.keys() == {name for name, _, _ in SENT.values()}
        studies = {row[0] for row in kiosk.rows("SELECT patient_id FROM studies")}
        assert studies == {patient_id for _, patient_id, _ in SENT.values()}, "also where exams are told apart"
        notes = {name: report["images"][0]["reason"] for name, report in reports.items()}
        assert "windows-1251 was assumed, as this box is set" in notes["Иванова^Анна"]
        assert "UTF-8 was assumed. Check the patient's name." in notes["राम^कुमार"]
        index = kiosk.reports_dir / "index.html"
        wait_until(lambda: "राम" in index.read_text() and "Иванова" in index.read_text(), "both on the list")
        fonts = {path.name for path in (kiosk.reports_dir / "fonts").iterdir()}
        assert fonts == {"Signs.woff2", "Devanagari.woff2"}
        page = next(kiosk.reports_dir.glob(f"*/{reports['राम^कुमार']['study_key']}/report.html")).read_text()
        assert page.count("data:font/woff2;base64,") == 2
