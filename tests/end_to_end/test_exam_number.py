"""A nurse reads the number of an exam over the phone: list, page and commands know it, also once a journal was lost."""

from pathlib import Path

import pytest

from support.dcmtk import store
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def shown(kiosk: Kiosk) -> dict[str, str]:
    """The number of the exam of each instance, as `leapfrog instances` has it."""
    return {row["sop_instance_uid"]: row["exam_number"] for row in kiosk.instances()}


def test_an_exam_is_known_by_its_number_which_outlives_the_journal(tmp_path: Path) -> None:
    films = [film.path for film in write_instances(chest_radiograph(256, 320), tmp_path / "films", 3, studies=2)]
    with Kiosk(tmp_path / "box", report={"quiet_seconds": 0.2}) as kiosk:
        assert store(kiosk.port, films[:2]).succeeded
        kiosk.wait_until_quiet()
        before = shown(kiosk)
        for report in kiosk.reports():
            number = report["exam_number"]
            assert number in before.values()
            page = next(kiosk.reports_dir.glob(f"*/{report['study_key']}/report.html"))
            assert f">{number}<" in page.read_text(encoding="utf-8")
        number = next(iter(before.values()))
        done = kiosk.command("reread", number.lower().replace("-", ""))
        assert (done.returncode, "to read again" in done.stdout) == (0, True), done.stderr
        wrong = kiosk.command("reread", number[:-1] + ("2" if number[-1] != "2" else "3"))
        assert wrong.returncode == 2
        assert f"it may be {number} (then the 5th character" in wrong.stderr

        kiosk.kill()
        kiosk.wait_for_no_orphans()
        for path in kiosk.state_dir.glob("journal.sqlite*"):
            path.unlink()
        kiosk.start()
        assert store(kiosk.port, films[2:]).succeeded
        kiosk.wait_until_read(3)
        kiosk.wait_until_quiet()
        after = shown(kiosk)
        assert before.items() <= after.items()
        exams = kiosk.rows("SELECT exam_number FROM studies")
        assert len(set(exams)) == len(exams) == 2
        index = kiosk.reports_dir / "index.html"
        wait_until(lambda: all(number in index.read_text(encoding="utf-8") for (number,) in exams), "both on the list")
