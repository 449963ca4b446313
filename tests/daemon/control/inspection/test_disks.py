"""Disks: full, read-only, missing, or soon to be full."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.control.inspection.disk_history import DAY_SECONDS, DiskHistory
from leapfrog.control.inspection.disks import REPORTS_DISK, STATE_DISK, DiskState, disk_problem, look_at_disk
from leapfrog.settings import Settings
from leapfrog.state.facts import Facts
from leapfrog.state.journal import Journal

GIGABYTE = 1_000_000_000
NOW = 1_800_000_000.0


@pytest.fixture
def history(tmp_path: Path) -> Iterator[DiskHistory]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield DiskHistory(journal)
    journal.close()


def state(free: int = 50 * GIGABYTE, name: str = STATE_DISK, **values: object) -> DiskState:
    return DiskState.model_validate(
        {"name": name, "path": "/srv", "total_bytes": 100 * GIGABYTE, "free_bytes": free, **values}
    )


def test_a_disk_with_room_is_no_problem() -> None:
    assert disk_problem(state(), Settings()) is None
    assert disk_problem(state(days_left=30.0), Settings()) is None


@pytest.mark.parametrize(
    ("disk", "words"),
    [
        (state(free=GIGABYTE // 2), "nearly full, so new images are refused"),
        (state(read_only=True), "is read-only"),
        (state(days_left=3.2), "full in about 3 days"),
        (state(days_left=0.4), "full within a day"),
        (state(error="No such file or directory", name=REPORTS_DISK), "cannot be used: No such file"),
    ],
)
def test_each_trouble_is_named_with_a_remedy(disk: DiskState, words: str) -> None:
    problem = disk_problem(disk, Settings())
    assert problem is not None
    assert words in problem.what
    assert "(/srv)" in problem.what
    assert problem.remedy


def test_the_days_left_follow_the_rate_of_the_last_days(history: DiskHistory) -> None:
    history.add(NOW - 2 * DAY_SECONDS, {"/srv": 30 * GIGABYTE})
    history.add(NOW - DAY_SECONDS, {"/srv": 25 * GIGABYTE})
    assert history.days_left("/srv", 21 * GIGABYTE, GIGABYTE, NOW) == pytest.approx(20 / 4.5)
    assert history.days_left("/other", 21 * GIGABYTE, 0, NOW) is None
    assert history.days_left("/srv", 31 * GIGABYTE, 0, NOW) is None, "it empties"


def test_a_single_busy_hour_is_no_rate(history: DiskHistory) -> None:
    history.add(NOW - 3600, {"/srv": 30 * GIGABYTE})
    assert history.days_left("/srv", 20 * GIGABYTE, 0, NOW) is None


def test_samples_of_a_clock_that_was_ahead_do_not_count(history: DiskHistory) -> None:
    history.add(NOW + 100 * DAY_SECONDS, {"/srv": 30 * GIGABYTE})
    assert history.days_left("/srv", 20 * GIGABYTE, 0, NOW) is None
    history.add(NOW, {"/srv": 20 * GIGABYTE})
    assert history.days_left("/srv", 18 * GIGABYTE, 0, NOW + DAY_SECONDS) == pytest.approx(9.0)


def test_what_stands_in_the_journal_may_be_anything(history: DiskHistory, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "other.sqlite")
    for text in ("", "null", "[[1]]", '[["x", {}]]', "{"):
        Facts(journal).put("disk_history", text)
        assert DiskHistory(journal).days_left("/srv", 1, 0, NOW) is None
    journal.close()


@pytest.mark.root
def test_a_disk_that_was_mounted_read_only_says_so(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user or machine does not mount tmpfs")
    try:
        assert look_at_disk(STATE_DISK, tmp_path).read_only
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)
