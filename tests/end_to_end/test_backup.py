"""A box whose disk is lost comes back from its backup: ids, states and reports, and nothing lost or sent twice."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import dcmtk
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.recording_proxy import RecordingProxy
from support.waiting import wait_until

KEPT = ("id", "exam_number", "state", "sop_instance_uid", "study_key", "source", "received_at")


@pytest.fixture
def district(tmp_path: Path) -> Iterator[Orthanc]:
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    server = Orthanc(tmp_path / "orthanc")
    yield server
    server.stop()


def kept(kiosk: Kiosk) -> list[dict[str, Any]]:
    return [{name: row[name] for name in KEPT} for row in kiosk.instances()]


def published(kiosk: Kiosk) -> set[str]:
    return {path.parent.name for path in kiosk.reports_dir.glob("*/*/report.json")}


def lose_the_disk(kiosk: Kiosk) -> None:
    kiosk.kill()
    kiosk.wait_for_no_orphans()
    shutil.rmtree(kiosk.state_dir)


def test_what_a_backup_holds_comes_back_and_nothing_is_sent_twice(tmp_path: Path, district: Orthanc) -> None:
    films = [image.path for image in write_instances(chest_radiograph(256, 320), tmp_path / "films", 4, studies=2)]
    backup = tmp_path / "box.backup"
    with RecordingProxy(district.dicomweb_url) as proxy:
        kiosk = Kiosk(tmp_path / "k", district={"url": proxy.url})
        with kiosk:
            assert dcmtk.store(kiosk.port, films).acknowledged == films
            kiosk.wait_until_read(4)
            kiosk.wait_until_quiet()
            before, reports = kept(kiosk), published(kiosk)
            written = kiosk.command("backup", str(backup))
            assert written.returncode == 0, written.stderr
            assert backup.stat().st_mode & 0o777 == 0o600
            assert not list(kiosk.state_dir.glob("journal.copy*"))

            district.start()
            kiosk.ask("sync")
            wait_until(lambda: kiosk.status()["deliveries"]["waiting"] == 0, "all is confirmed", deadline_seconds=60)
            held = district.held()
            assert set(held.values()) == {1}
            lose_the_disk(kiosk)
        already = sum(proxy.posts.values())

        restored = kiosk.command("restore", str(backup))
        assert restored.returncode == 0, restored.stderr
        with kiosk:
            assert kept(kiosk) == before
            wait_until(lambda: published(kiosk) == reports, "reports are back")
            wait_until((kiosk.reports_dir / "index.html").exists, "the list is back")
            kiosk.ask("sync")
            wait_until(lambda: kiosk.status()["deliveries"]["waiting"] == 0, "all is asked for", deadline_seconds=60)
            assert sum(proxy.posts.values()) == already
            assert district.held() == held


def test_a_state_that_is_there_is_replaced_only_on_request_and_kept(tmp_path: Path) -> None:
    first, second = (image.path for image in write_instances(chest_radiograph(64, 80), tmp_path / "films", 2))
    backup = tmp_path / "box.backup"
    kiosk = Kiosk(tmp_path / "k")
    with kiosk:
        dcmtk.store(kiosk.port, [first])
        kiosk.wait_until_read(1)
        assert kiosk.command("backup", str(backup)).returncode == 0
        again = kiosk.command("backup", str(backup))
        assert (again.returncode, "exists already" in again.stderr) == (1, True)
        busy = kiosk.command("restore", str(backup), "--replace")
        assert busy.returncode == 1
        assert "is already using" in busy.stderr
        dcmtk.store(kiosk.port, [second])
        kiosk.wait_until_read(2)
    refused = kiosk.command("restore", str(backup))
    assert (refused.returncode, "--replace" in refused.stderr) == (2, True)
    assert len(kiosk.command_json("instances")) == 2

    answer = kiosk.command_json("restore", str(backup), "--replace")
    assert (answer["images"], answer["newer"]) == (1, 1)
    with kiosk:
        kiosk.wait_until_read(2)  # what arrived after the backup is nowhere else: it comes back
        assert len(kiosk.instances()) == 2
    assert len(list(Path(answer["former"], "spool").glob("*.dcm"))) == 2


@pytest.mark.parametrize("when", [1, 2, 3, 5, 6])
def test_a_restore_that_is_killed_loses_nothing(tmp_path: Path, when: int) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    first, second = (image.path for image in write_instances(chest_radiograph(64, 80), tmp_path / "films", 2))
    backup = tmp_path / "box.backup"
    kiosk = Kiosk(tmp_path / "k")
    with kiosk:
        dcmtk.store(kiosk.port, [first])
        kiosk.wait_until_read(1)
        assert kiosk.command("backup", str(backup)).returncode == 0
        dcmtk.store(kiosk.port, [second])
        kiosk.wait_until_read(2)
    kill = ["strace", "-f", "-qq", "-e", "trace=rename", "-e", f"inject=rename:signal=KILL:when={when}"]
    subprocess.run(
        [*kill, *kiosk.command_line("restore", str(backup), "--replace")], capture_output=True, check=False, timeout=120
    )
    if (kiosk.state_dir / "restoring").exists():
        refused = kiosk.command("run")
        assert (refused.returncode, "Run `leapfrog restore` again" in refused.stderr) == (1, True)
        assert kiosk.command("restore", str(backup), "--replace").returncode == 0
    with kiosk:
        wait_until(lambda: len(kiosk.instances()) == 2, "both films are there")


def test_a_box_that_lost_its_settings_too_gets_them_back(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path / "k")
    backup = tmp_path / "box.backup"
    with kiosk:
        kiosk.wait_until_ready()
        assert kiosk.command("backup", str(backup)).returncode == 0
    lost = kiosk.settings_file.read_text()
    kiosk.settings_file.unlink()
    shutil.rmtree(kiosk.state_dir)
    assert kiosk.command("restore", str(backup)).returncode == 0
    assert kiosk.settings_file.read_text() == lost
    with kiosk:
        assert kiosk.status()["station"] == "Test clinic"
