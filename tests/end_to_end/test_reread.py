"""`leapfrog reread`: the same images, read again, and a new version of the report for each exam."""

from pathlib import Path

import pytest

from support.dcmtk import store
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def versions(kiosk: Kiosk) -> list[int]:
    return [version for (version,) in kiosk.rows("SELECT version FROM studies ORDER BY sequence")]


def test_each_exam_gets_a_new_version_of_its_report_while_the_daemon_runs_and_after_it_did_not(tmp_path: Path) -> None:
    films = write_instances(chest_radiograph(), tmp_path / "films", 2, studies=2)
    with Kiosk(tmp_path / "box", report={"quiet_seconds": 0.2}) as kiosk:
        assert store(kiosk.port, [film.path for film in films]).succeeded
        kiosk.wait_until_quiet()
        before = versions(kiosk)
        exam = kiosk.rows("SELECT key FROM studies ORDER BY sequence LIMIT 1")[0][0]
        done = kiosk.command("reread", exam)
        assert (done.returncode, "1 image to read again" in done.stdout) == (0, True), done.stderr
        wait_until(lambda: versions(kiosk)[0] > before[0], "the exam has a new version")
        kiosk.wait_until_quiet()
        assert versions(kiosk)[1] == before[1]
        assert kiosk.stop() == 0
        before = versions(kiosk)
        assert kiosk.command_json("reread", "--all") == {"queued": 2, "waiting": 0, "kept": 0}
        kiosk.start()
        wait_until(lambda: all(now > was for now, was in zip(versions(kiosk), before, strict=True)), "both have")
        assert kiosk.status()["instances"]["read"] == 2
    assert kiosk.command("reread").returncode == 2
