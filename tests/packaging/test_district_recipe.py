"""`config/district.md` holds: with its script, a real Orthanc tells number 17 of one clinic from that of another."""

from pathlib import Path

import pydicom
import pytest
import requests

from leapfrog.exam import ImageReading
from leapfrog.processes.messages import Station
from leapfrog.reader.report.study_report import render
from support.instances import gradient, image_dataset, save
from support.orthanc import Orthanc, orthanc_program
from support.readings import PATIENT, chest_reading, report_job
from support.spooled import without_record
from support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "config" / "district" / "orthanc-issuer.lua"
CLINICS = {"KITGUM": "1.2.826.0.1.3680043.10.7", "GULU": "1.2.826.0.1.3680043.10.8"}  # and the UID of an exam of each

pytestmark = pytest.mark.skipif(orthanc_program() is None, reason="Orthanc is not installed")


def results(folder: Path, clinic: str) -> list[Path]:
    """What the box of a clinic makes of an exam of its patient 17: the PDF, and the overlay, which is a JPEG."""
    folder.mkdir()
    identity = PATIENT.model_copy(update={"patient_id": "17", "study_instance_uid": CLINICS[clinic]})
    reading: ImageReading = chest_reading(folder, identity=identity, sop_instance_uid=f"{CLINICS[clinic]}.1")
    station = Station(name=clinic, ae_title="LEAPFROG", software_version="0.1.0", issuer_of_patient_id=clinic)
    job = report_job(folder, reading, station=station, derived=("report_pdf", "overlay"))
    return [without_record(folder / "work" / one.name) for one in render(job).produced]


def original(folder: Path, clinic: str, number: int = 1) -> Path:
    path = folder / f"original-{number}.dcm"
    uids = {"StudyInstanceUID": CLINICS[clinic], "SOPInstanceUID": f"{CLINICS[clinic]}.{number}"}
    save(image_dataset(gradient(), PatientID="17", **uids), path)
    return path


def store(district: Orthanc, path: Path) -> None:
    """By STOW-RS, as a box does it."""
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n--b--\r\n"
    headers = {
        "Content-Type": 'multipart/related; type="application/dicom"; boundary=b',
        "Accept": "application/dicom+json",
    }
    requests.post(f"{district.dicomweb_url}/studies", body, headers=headers, timeout=10).raise_for_status()


def patients(district: Orthanc) -> dict[str, int]:
    """How many instances are filed under each number."""
    filed = {}
    for one in district.listed("patients"):
        found = requests.get(f"{district.url}/patients/{one['ID']}/instances", timeout=10).json()
        filed[one["MainDicomTags"]["PatientID"]] = len(found)
    return filed


def test_without_the_script_two_people_are_one(tmp_path: Path) -> None:
    with Orthanc(tmp_path / "orthanc") as district:
        for clinic in CLINICS:
            for path in results(tmp_path / clinic, clinic):
                store(district, path)
        assert patients(district) == {"17": 4}


def test_with_it_each_has_their_own_images_and_results_whichever_come_first(tmp_path: Path) -> None:
    made = {clinic: results(tmp_path / clinic, clinic) for clinic in CLINICS}
    with Orthanc(tmp_path / "orthanc", LuaScripts=[str(SCRIPT)]) as district:
        store(district, original(tmp_path / "KITGUM", "KITGUM"))  # of KITGUM the image first, of GULU the results
        for clinic in CLINICS:
            for path in made[clinic]:
                store(district, path)
        store(district, original(tmp_path / "GULU", "GULU"))
        store(district, original(tmp_path / "KITGUM", "KITGUM", number=2))
        wait_until(lambda: patients(district) == {"KITGUM-17": 4, "GULU-17": 3}, "each has their own")
        assert set(district.held().values()) == {1}, "under its own UID, once"
        sent = pydicom.dcmread(made["GULU"][1])
        (tmp_path / "filed.dcm").write_bytes(district.file(sent.SOPInstanceUID))
        filed = pydicom.dcmread(tmp_path / "filed.dcm")
        assert (filed.PatientID, filed.IssuerOfPatientID) == ("GULU-17", "GULU")
        assert filed.PixelData == sent.PixelData and filed.StudyInstanceUID == sent.StudyInstanceUID
        assert (filed.SeriesNumber, filed.SeriesDescription) == (sent.SeriesNumber, sent.SeriesDescription)
        asked = {"StudyInstanceUID": CLINICS["KITGUM"], "SOPInstanceUID": f"{CLINICS['KITGUM']}.1"}
        found = requests.get(f"{district.dicomweb_url}/instances", asked, timeout=10)
        assert len(found.json()) == 1, "the box finds what it sent"


def test_an_exam_of_which_no_box_sent_a_result_stays_as_it_is(tmp_path: Path) -> None:
    with Orthanc(tmp_path / "orthanc", LuaScripts=[str(SCRIPT)]) as district:
        store(district, original(tmp_path, "KITGUM"))
        for path in results(tmp_path / "GULU", "GULU"):
            store(district, path)
        wait_until(lambda: patients(district) == {"17": 1, "GULU-17": 2}, "the other was filed")


def test_the_page_names_the_script_and_the_settings_name_the_page() -> None:
    assert "config/district/orthanc-issuer.lua" in (ROOT / "config" / "district.md").read_text()
    assert "config/district.md" in (ROOT / "config" / "leapfrog.toml").read_text()
