"""What a box says of itself arrives at the district's own nginx, is true, names nobody, and holds up nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from leapfrog.control.own_state.metrics import metrics_text
from leapfrog.fleet.box_state import BoxState
from leapfrog.fleet.signed_state import read_state
from leapfrog.phantoms.exams import as_file, chest_exam
from leapfrog.state.station.station_key import public_key_of
from support.dcmtk import store
from support.district_nginx import DistrictNginx
from support.kiosk import Kiosk
from support.nginx import nginx_program
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MARKER = "ZMARKERQ"
# Texts of a patient, an exam or a machine that a header may hold, by their VRs.
TEXTS = ("PN", "LO", "SH", "LT", "ST", "UT", "AE")
KEPT = ("SpecificCharacterSet", "PhotometricInterpretation", "Modality", "BodyPartExamined", "ViewPosition")
TOLD = (
    "PatientName", "PatientID", "IssuerOfPatientID", "OtherPatientNames", "PatientAddress", "PatientComments",
    "AccessionNumber", "StudyID", "StudyDescription", "SeriesDescription", "ReferringPhysicianName",
    "PerformingPhysicianName", "OperatorsName", "InstitutionName", "InstitutionAddress", "StationName", "ProtocolName",
    "AdditionalPatientHistory", "RequestedProcedureDescription", "MedicalRecordLocator",
)  # fmt: skip


@pytest.fixture
def district(tmp_path: Path) -> Any:
    if nginx_program() is None:
        pytest.skip("nginx is not installed")
    with DistrictNginx(tmp_path / "district") as running:
        yield running


def marked(exam: Dataset) -> bytes:
    """The film of somebody of whom every text is a marker word."""
    for element in exam:
        if element.VR in TEXTS and element.keyword not in KEPT:
            element.value = f"{MARKER}{element.keyword[:4]}"
    for keyword in TOLD:
        setattr(exam, keyword, f"{MARKER}{keyword[:4]}")
    return as_file(exam)


def kiosk_of(directory: Path, district: DistrictNginx, name: str, **sections: Any) -> Kiosk:
    access = district.access(district.box(name))
    return Kiosk(directory, district=access, fleet={"url": f"{district.url}/boxes/{name}.json"}, **sections)


def left(district: DistrictNginx, name: str = "kitui") -> BoxState:
    return read_state((district.boxes / f"{name}.json").read_bytes()).state


def test_a_box_tells_its_district_how_it_is_and_names_nobody(district: DistrictNginx, tmp_path: Path) -> None:
    whole, short = chest_exam("opaque", 1), chest_exam("opaque", 2)
    short.PixelData = short.PixelData[:1000]
    films = [tmp_path / "whole.dcm", tmp_path / "short.dcm"]
    for film, exam in zip(films, (whole, short), strict=True):
        film.write_bytes(marked(exam))
    with kiosk_of(tmp_path / "box", district, "kitui") as kiosk:
        assert store(kiosk.port, films).succeeded
        (kiosk.inbox / f"{MARKER} of Grace.dcm").write_bytes(marked(chest_exam("opaque", 3)))
        kiosk.wait_until_read(3)
        kiosk.wait_until_quiet()
        numbers = {row["exam_number"] for row in kiosk.instances()}
        kiosk.ask("sync")
        wait_until((district.boxes / "kitui.json").exists, "the district has it")
        content = (district.boxes / "kitui.json").read_bytes()
        metrics = wait_until(lambda: _text(kiosk.state_dir / "metrics.prom"), "Prometheus' file is there")
        public = public_key_of(kiosk.command("station", "key").stdout.encode())
        status = kiosk.command("status").stdout
        doctor = kiosk.command("doctor").stdout
        by_command = read_state(str(kiosk.ask("box_state")["file"]).encode())
    read = read_state(content)
    assert read.station_key == public == by_command.station_key
    assert by_command.is_later_than(read)
    state = read.state
    assert (state.box, state.instances["read"], state.instances["set_aside"]) == ("Test clinic", 2, 1)
    assert [one.exams for one in state.weeks] == [3]
    assert state.exams_per_day[-1].exams == 3
    assert "district.client_certificate" in {one.what for one in state.certificates}
    assert any("could not be read" in one.what for one in state.attention)
    assert len(content) < 8000
    for text in (content.decode(), metrics, metrics_text(state)):
        assert MARKER not in text
        assert not any(number in text for number in numbers)
        assert str(tmp_path) not in text
    assert "leapfrog_attention_problems" in metrics
    assert "State to district" in status
    assert "It takes what this box says of itself" in " ".join(doctor.split())


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_a_box_that_leaves_its_state_at_the_place_of_another_changes_nothing_there_and_works_on(
    district: DistrictNginx, tmp_path: Path
) -> None:
    theirs = district.boxes / "kitui.json"
    theirs.write_text("of kitui")
    access = district.access(district.box("mwingi"))
    with Kiosk(tmp_path / "box", district=access, fleet={"url": f"{district.url}/boxes/kitui.json"}) as kiosk:
        kiosk.ask("sync")
        refused = wait_until(
            lambda: [one["what"] for one in kiosk.status()["attention"] if "how this box is" in one["what"]],
            "the box tells why",
        )
        assert "names mwingi, so fleet.url should end in /mwingi.json" in refused[0]
        film = tmp_path / "film.dcm"
        film.write_bytes(as_file(chest_exam("opaque", 1)))
        assert store(kiosk.port, [film]).succeeded
        assert kiosk.wait_until_read(1)["read"] == 1
    assert theirs.read_text() == "of kitui"


def test_a_kill_and_a_restart_send_a_later_state(district: DistrictNginx, tmp_path: Path) -> None:
    kiosk = kiosk_of(tmp_path / "box", district, "kitui")
    sequences: list[int] = []
    for _ in range(3):
        kiosk.start()
        before = (district.boxes / "kitui.json").read_bytes() if sequences else b""
        kiosk.ask("sync")
        wait_until(
            lambda before=before: (
                (district.boxes / "kitui.json").exists()  # type: ignore[misc]
                and (district.boxes / "kitui.json").read_bytes() != before
            ),
            "it was sent",
        )
        sequences.append(left(district).sequence)
        kiosk.kill()
        kiosk.wait_for_no_orphans()
    assert sequences == sorted(set(sequences))
    assert json.loads((district.boxes / "kitui.json").read_text())["state"]["sequence"] == sequences[-1]
