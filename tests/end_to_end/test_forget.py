"""`leapfrog forget`: an exam that may not be kept is gone from the box, and does not come back on any way."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from support.dcmtk import store
from support.failing_calls import KILL_AFTER, KILL_BEFORE, Call, FailingCalls
from support.films import write_film
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.ports import free_port
from support.recording_proxy import RecordingProxy, Stall
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NAME, NUMBER = "Vergissmeinnicht^Klara", "KV-4711-88"
REASON = ("--reason", "the wrong patient was chosen at the machine")


def film(path: Path, name: str = NAME, number: str = NUMBER, *, birth: str = "", on: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    days = {"PatientBirthDate": birth, "StudyDate": on} if birth else {}
    return write_film(path, None, PatientName=name, PatientID=number, StudyInstanceUID=generate_uid(), **days)


def with_name(folder: Path) -> list[str]:
    """The files below `folder` that hold the patient's name or number, in whatever form a file can."""
    needles = [text.encode(coding) for text in ("Vergissmeinnicht", NUMBER) for coding in ("utf-8", "utf-16-be")]
    found = []
    for at, _, names in os.walk(folder):
        for file in (Path(at) / name for name in names):
            with suppress(OSError):  # a socket, or what the box puts in place just now
                content = file.read_bytes()
                found += [str(file)] if any(needle in content for needle in needles) else []
    return found


def number_of(kiosk: Kiosk) -> str:
    return str(kiosk.rows(f"SELECT exam_number FROM studies WHERE patient_id = '{NUMBER}'")[0][0])


def take_in(kiosk: Kiosk, files: list[Path]) -> None:
    assert store(kiosk.port, files).succeeded
    kiosk.wait_until_read(len(files))
    kiosk.wait_until_quiet()


@pytest.fixture
def district(tmp_path: Path) -> Iterator[Orthanc]:
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    with Orthanc(tmp_path / "orthanc") as server:
        yield server


def test_nothing_of_a_forgotten_exam_is_left_on_the_box_and_the_others_stay(tmp_path: Path) -> None:
    one, other = film(tmp_path / "one.dcm"), film(tmp_path / "other.dcm", "Doe^Jane", "D-1")
    with Kiosk(tmp_path / "box") as kiosk:
        take_in(kiosk, [one, other])
        number = number_of(kiosk)
        assert with_name(kiosk.state_dir)
        assert with_name(kiosk.reports_dir)
        (tmp_path / "stick").mkdir()
        assert kiosk.command("export", str(tmp_path / "stick"), "--exam", number, "--yes").returncode == 0
        done = kiosk.command("forget", number, *REASON, "--yes")
        assert done.returncode == 0, done.stderr
        assert f"Exam {number} is forgotten" in done.stdout
        assert "by the log: 1." in done.stdout
        wait_until(lambda: not with_name(kiosk.directory / "state"), "nothing has the name any more")
        assert [row["state"] for row in kiosk.instances()] == ["read"]
        assert len(kiosk.reports()) == 1
        assert kiosk.command("forget", number, *REASON, "--yes").returncode == 2  # there is none any more
        log = kiosk.command_json("actions")
        assert [(row["action"], row["outcome"]) for row in log[:3]] == [
            ("forget", "refused"),
            ("forget", "begun"),
            ("forget", "done"),
        ]
        assert log[2]["about"] == [number]
        assert not with_name(tmp_path / "box")
        assert store(kiosk.port, [one]).succeeded
        kiosk.wait_until_read(2)
        assert number_of(kiosk) != number  # which sheets, and the log, have for the one that is gone
    assert kiosk.command("actions", "--verify").returncode == 0


def test_what_is_owed_is_not_forgotten_unless_a_person_says_so_and_is_never_sent(
    tmp_path: Path, district: Orthanc
) -> None:
    with Kiosk(tmp_path / "box", district={"url": f"http://127.0.0.1:{free_port()}/dicom-web"}) as kiosk:
        take_in(kiosk, [film(tmp_path / "one.dcm")])
        number = number_of(kiosk)
        refused = kiosk.command("forget", number, *REASON, "--yes")
        assert refused.returncode == 2
        assert "1 original" in refused.stderr
        assert "the district server" in refused.stderr
        assert kiosk.status()["instances"]["read"] == 1
        done = kiosk.command_json("forget", number, *REASON, "--yes", "--although-owed")
        assert done["owed"]["district"]["original"] == 1
        assert kiosk.status()["deliveries"]["waiting"] == 0
        assert kiosk.stop() == 0
        kiosk.configure(district={"url": district.dicomweb_url})
        kiosk.start()
        kiosk.ask("sync")
        assert not district.held()


def test_a_person_hears_what_the_district_has_of_it(tmp_path: Path, district: Orthanc) -> None:
    with Kiosk(tmp_path / "box", district={"url": district.dicomweb_url}) as kiosk:
        take_in(kiosk, [film(tmp_path / "one.dcm")])
        wait_until(lambda: kiosk.status()["deliveries"]["waiting"] == 0, "all is confirmed", deadline_seconds=60)
        done = kiosk.command("forget", number_of(kiosk), *REASON, "--yes")
        assert done.returncode == 0, done.stderr
        held = len(district.held())
        assert f"At district: {held} objects confirmed" in done.stdout
        assert not kiosk.instances()


def test_a_transfer_that_is_going_on_is_cut_off_and_what_may_have_arrived_is_said(
    tmp_path: Path, district: Orthanc
) -> None:
    with (
        RecordingProxy(district.dicomweb_url) as proxy,
        Kiosk(tmp_path / "box", district={"url": proxy.url, "send": ["original"]}) as kiosk,
    ):
        proxy.plan(Stall(2000))
        assert store(kiosk.port, [film(tmp_path / "one.dcm")]).succeeded
        wait_until(lambda: kiosk.rows("SELECT 1 FROM deliveries WHERE posted = 1"), "it is being sent")
        kiosk.wait_until_read(1)
        done = kiosk.command_json("forget", number_of(kiosk), *REASON, "--yes", "--although-owed")
        assert done["destinations"] == [{"name": "district", "confirmed": 0, "perhaps": 1, "on_sticks": 0}]
        other = film(tmp_path / "other.dcm", "Doe^Jane", "D-1")
        assert store(kiosk.port, [other]).succeeded
        wait_until(lambda: len(district.held()) == 1, "the next one is sent", deadline_seconds=60)


def test_it_comes_back_neither_from_a_backup_nor_from_the_spool_nor_with_a_new_journal(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path / "box")
    with kiosk:
        take_in(kiosk, [film(tmp_path / "one.dcm"), film(tmp_path / "o.dcm", "Doe^Jane", "D-1")])
        spool_file = next(path for path in kiosk.spool_dir.glob("*.dcm") if with_name(path.parent) and _holds(path))
        kept = shutil.copy(spool_file, tmp_path / spool_file.name)
        assert kiosk.command("backup", str(tmp_path / "backup.tar")).returncode == 0
        number = number_of(kiosk)
        assert kiosk.command("forget", number, *REASON, "--yes").returncode == 0
    restored = kiosk.command("restore", str(tmp_path / "backup.tar"), "--replace")
    assert restored.returncode == 0, restored.stderr
    assert "stay so: 1" in restored.stdout
    assert with_name(kiosk.state_dir) == []
    for rebuild in (False, True):
        shutil.copy(kept, kiosk.spool_dir / spool_file.name)  # as a power cut, or a technician, may leave it
        if rebuild:
            assert kiosk.command("journal", "rebuild").returncode == 0
        with kiosk:
            wait_until(lambda: not (kiosk.spool_dir / spool_file.name).exists(), "the file is gone again")
            wait_until(lambda: len(kiosk.instances()) == 1, "the other exam is there")
        assert with_name(kiosk.state_dir) == []
    assert not list((kiosk.spool_dir / "aside").iterdir())


def _holds(path: Path) -> bool:
    return NUMBER.encode() in path.read_bytes()


def test_a_file_in_a_watched_folder_does_not_bring_it_back_but_the_machine_that_made_it_may(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path / "box")
    with kiosk:
        one = film(kiosk.inbox / "one.dcm")
        kiosk.wait_until_read(1)
        kiosk.wait_until_quiet()
        before = number_of(kiosk)
        done = kiosk.command("forget", before, *REASON, "--yes")
        assert str(one) in done.stdout
    assert kiosk.command("journal", "rebuild").returncode == 0  # which forgets what was taken from folders
    kiosk.configure(folder={"after": "delete"})
    with kiosk:
        shutil.copy(one, kiosk.inbox / "from-a-stick.dcm")
        film(kiosk.inbox / "other.dcm", "Doe^Jane", "D-1")
        kiosk.wait_until_read(1)
        wait_until(lambda: kiosk.log().count("forgotten on request") >= 2, "both files were looked at")
        assert len(kiosk.instances()) == 1
        wait_until(lambda: not (kiosk.inbox / "other.dcm").exists(), "what was taken is put away")
        assert one.exists()  # what is not taken stays: it may be the only one
        assert (kiosk.inbox / "from-a-stick.dcm").exists()
        corrected = dcmread(one)
        corrected.PatientID, corrected.PatientName = "D-2", "Doe^John"
        corrected.save_as(kiosk.inbox / "corrected.dcm")
        kiosk.wait_until_read(2)
        assert store(kiosk.port, [one]).succeeded
        kiosk.wait_until_read(3)
        assert number_of(kiosk) != before


def test_the_report_of_another_exam_that_spoke_of_it_is_made_anew(tmp_path: Path) -> None:
    with Kiosk(tmp_path / "box") as kiosk:
        take_in(kiosk, [film(tmp_path / "first.dcm", birth="19700203", on="20260101")])
        first, key = kiosk.rows("SELECT exam_number, key FROM studies")[0]
        assert store(kiosk.port, [film(tmp_path / "second.dcm", birth="19700203", on="20260201")]).succeeded
        kiosk.wait_until_read(2)
        kiosk.wait_until_quiet()
        page = next(path for path in kiosk.reports_dir.glob("*/*/report.html") if path.parent.name != key)
        assert key in page.read_text()
        done = kiosk.command_json("forget", first, *REASON, "--yes")
        assert done["reports_made_anew"] == 1
        wait_until(lambda: key not in page.read_text(), "the other report does not speak of it", deadline_seconds=60)


@pytest.mark.parametrize(("call", "number", "fault"), [(Call.RENAME, 1, KILL_AFTER), (Call.UNLINK, 1, KILL_BEFORE)])
def test_killed_at_any_step_the_exam_is_whole_or_forgotten(tmp_path: Path, call: Call, number: int, fault: int) -> None:
    if not FailingCalls.possible():
        pytest.skip("there is no gcc")
    kiosk = Kiosk(tmp_path / "box")
    kiosk.state_dir.mkdir()
    with FailingCalls(tmp_path, [kiosk.state_dir]) as calls, kiosk:
        kiosk.stop()
        kiosk.start(environment=calls.environment)
        take_in(kiosk, [film(tmp_path / "one.dcm")])
        exam = number_of(kiosk)
        calls.arm(call, 0, number, fault)
        kiosk.command("forget", exam, *REASON, "--yes")
        assert calls.fired
        kiosk.process.wait(30)
        kiosk.start()
        assert (kiosk.state_dir / "forgotten.jsonl").exists()
        assert not kiosk.instances()
        wait_until(lambda: not with_name(kiosk.state_dir), "nothing is left of it")


def test_without_a_terminal_and_without_yes_nothing_is_forgotten(tmp_path: Path) -> None:
    with Kiosk(tmp_path / "box") as kiosk:
        take_in(kiosk, [film(tmp_path / "one.dcm")])
        asked = kiosk.command("forget", number_of(kiosk), *REASON)
        assert (asked.returncode, "--yes" in asked.stderr) == (2, True)
        assert len(kiosk.instances()) == 1
