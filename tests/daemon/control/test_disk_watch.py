"""The disks as the daemon sees them, whatever one of them does."""

import threading
from pathlib import Path

import pytest

from leapfrog.control import disk_watch
from leapfrog.control.disk_watch import DiskWatch
from leapfrog.control.inspection.disk_history import DAY_SECONDS, DiskHistory
from leapfrog.control.inspection.disks import REPORTS_DISK, STATE_DISK, DiskState, look_at_disk
from leapfrog.settings import Settings
from leapfrog.state.journal import Journal


def settings_in(folder: Path) -> Settings:
    tables = {
        "station": {"state_dir": folder / "state", "reports_dir": folder / "reports"},
        "retention": {"min_free_bytes": 0},
    }
    (folder / "state").mkdir()
    return Settings.model_validate(tables)


def test_a_missing_reports_disk_is_named_until_it_is_back(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    journal = Journal(tmp_path / "journal.sqlite")
    watch = DiskWatch(settings, DiskHistory(journal))
    watch.turn()
    (problem,) = watch.problems()
    assert "The disk of the reports" in problem.what and "No such file" in problem.what
    assert [disk.error == "" for disk in watch.disks()] == [True, False]
    settings.reports_dir.mkdir()
    watch.turn()
    assert watch.problems() == ()
    journal.close()


def test_a_disk_that_hangs_is_named_and_costs_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_in(tmp_path)
    settings.reports_dir.mkdir()
    hangs = threading.Event()

    def look(name: str, path: Path) -> DiskState:
        if name == REPORTS_DISK:
            hangs.wait(60)
        return look_at_disk(name, path)

    monkeypatch.setattr(disk_watch, "look_at_disk", look)
    monkeypatch.setattr("leapfrog.control.inspection.patience.Look.result.__defaults__", (0.2,))
    journal = Journal(tmp_path / "journal.sqlite")
    watch = DiskWatch(settings, DiskHistory(journal))
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
    settings.reports_dir.mkdir()
    journal = Journal(tmp_path / "journal.sqlite")
    free = look_at_disk(STATE_DISK, settings.state_dir).free_bytes
    now = 1_800_000_000.0
    DiskHistory(journal).add(now - 2 * DAY_SECONDS, {str(settings.state_dir): 2 * free})
    watch = DiskWatch(settings, DiskHistory(journal), now=lambda: now)
    watch.turn()
    (state, reports) = watch.disks()
    assert state.days_left == pytest.approx(2.0, abs=0.1)
    assert reports.days_left is None
    (problem,) = watch.problems()
    assert "full in about 2 days" in problem.what
    journal.close()
