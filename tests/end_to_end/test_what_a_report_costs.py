"""What a film's report costs the disk: a box on an SD card waits tens of milliseconds for each sync."""

from pathlib import Path

import pytest

from support.dcmtk import send
from support.exams import chest_radiograph, write_instances
from support.failing_calls import Call, FailingCalls
from support.kiosk import Kiosk
from support.waiting import wait_until

RENDERED, REPORTS, STATE = range(3)  # of the folders below
# Of files: the picture, page, PDF and JSON. Of folders: the study's with the picture, and with the rest; its own name.
SYNCS_OF_A_REPORT = 4 + 3
SYNCS_TO_PUBLISH = 2 + 2  # the study's folder and that of its day; and the list of exams, with its folder
COMMITS = 5  # received, begun, read, reported, published


@pytest.mark.skipif(not FailingCalls.possible(), reason="needs gcc")
def test_a_film_costs_one_sync_for_each_file_and_few_for_folders(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path / "box", report={"quiet_seconds": 60.0})
    first, second = write_instances(chest_radiograph(512, 640), tmp_path / "films", 2, studies=2)
    folders = [kiosk.state_dir / "rendered", kiosk.reports_dir, kiosk.state_dir]
    with FailingCalls(tmp_path, folders) as calls:
        kiosk.start(environment=calls.environment).wait_until_ready()
        try:
            _send(kiosk, first.path, 1)  # with the folder of the day
            before = calls.counts()
            _send(kiosk, second.path, 2)
            now = calls.counts()
        finally:
            kiosk.stop()
    made = {key: count - before.get(key, 0) for key, count in now.items()}
    assert made[Call.FSYNC, RENDERED] == SYNCS_OF_A_REPORT
    assert made[Call.FSYNC, REPORTS] <= SYNCS_TO_PUBLISH
    assert made[Call.FDATASYNC, STATE] <= COMMITS
    assert made[Call.LINK, STATE] == 2, "the film and its picture are given to the reader without a copy"


def _send(kiosk: Kiosk, film: Path, count: int) -> None:
    """Send a film, and wait until its report is in the list."""
    assert send(kiosk.port, [film]).succeeded
    wait_until(lambda: len(list(kiosk.reports_dir.glob("*/*/report.json"))) == count, "the report")
    wait_until(lambda: _listed(kiosk) == count, "the list shows it")


def _listed(kiosk: Kiosk) -> int:
    page = kiosk.reports_dir / "index.html"
    return page.read_text(encoding="utf-8").count("/report.html") if page.exists() else 0
