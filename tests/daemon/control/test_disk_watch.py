"""The disks as the daemon sees them, whatever one of them does."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from leapfrog.control import disk_watch
from leapfrog.control.disk_watch import DiskWatch
from leapfrog.control.inspection.disk_history import DAY_SECONDS, DiskHistory
from leapfrog.control.inspection.disks import STATE_DISK, DiskState, look_at_disk
from leapfrog.settings import Settings
from leapfrog.state.journal import Journal
from leapfrog.worklist.disk_jobs import DiskAnswer


def settings_in(folder: Path) -> Settings:
    tables = {
        "station": {"state_dir": folder / "state", "reports_dir": folder / "reports"},
        "retention": {"min_free_bytes": 0},
    }
    (folder / "state").mkdir()
    return Settings.model_validate(tables)


GOOD = DiskAnswer(condition="good", free_bytes=5_000_000_000, total_bytes=10_000_000_000)


def test_the_reports_disk_is_as_the_publisher_saw_it_and_is_never_touched(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    journal = Journal(tmp_path / "journal.sqlite")
    seen = [GOOD]
    watch = DiskWatch(settings, DiskHistory(journal), lambda: seen[-1])
    watch.turn()
    assert [(disk.free_bytes, disk.error) for disk in watch.disks()][1] == (5_000_000_000, "")
    seen.append(replace(GOOD, condition="no_answer"))
    watch.turn()
    assert watch.disks()[1].error == "it does not answer"
    seen.append(replace(GOOD, condition="read_only"))
    watch.turn()
    assert watch.disks()[1].read_only
    assert watch.problems() == (), "the publisher tells"
    journal.close()


def test_a_disk_that_hangs_is_named_and_costs_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_in(tmp_path)
    hangs = threading.Event()

    def look(name: str, path: Path) -> DiskState:
        hangs.wait(60)
        return look_at_disk(name, path)

    monkeypatch.setattr(disk_watch, "look_at_disk", look)
    monkeypatch.setattr("leapfrog.control.inspection.patience.Look.result.__defaults__", (0.2,))
    journal = Journal(tmp_path / "journal.sqlite")
    watch = DiskWatch(settings, DiskHistory(journal), lambda: GOOD)
    for _ in range(3):
        watch.turn()
    (problem,) = watch.problems()
    assert "it does not answer" in problem.what
    assert sum(thread.name == "look" for thread in threading.enumerate()) == 1
    hangs.set()
    watch.turn()
    assert watch.problems() == ()
    journal.close()


def test_the_rate_is_kept_over_a_restart(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    journal = Journal(tmp_path / "journal.sqlite")
    free = look_at_disk(STATE_DISK, settings.state_dir).free_bytes
    now = 1_800_000_000.0
    DiskHistory(journal).add(now - 2 * DAY_SECONDS, {str(settings.state_dir): 2 * free})
    watch = DiskWatch(settings, DiskHistory(journal), lambda: GOOD, now=lambda: now)
    watch.turn()
    (state, reports) = watch.disks()
    assert state.days_left == pytest.approx(2.0, abs=0.1)
    assert reports.days_left is None
    (problem,) = watch.problems()
    assert "full in about 2 days" in problem.what
    journal.close()
