"""The number of each state is larger than all before, whatever becomes of the clock and the disk."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from leapfrog.control.own_state.numbering import FILE_NAME, Numbering
from leapfrog.state.station.station_key import station_folder

TRUE = 1_796_000_000.0  # seconds since 1970
YEAR = 365 * 86_400.0


@dataclass
class Clock:
    """The true time, and by how much the box's clock is ahead of it."""

    true: float = TRUE
    ahead: float = 0.0
    kept_right: bool = False

    def time(self) -> float:
        return self.true + self.ahead

    def monotonic(self) -> float:
        return self.true


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("leapfrog.control.own_state.numbering.time", made)
    return made


@pytest.fixture
def starts(tmp_path: Path, clock: Clock) -> Callable[[], Numbering]:
    """Starts the box."""
    return lambda: Numbering(tmp_path, synchronised=lambda: clock.kept_right)


def test_each_is_larger_also_after_a_restart_and_with_a_clock_that_was_set_back(
    starts: Callable[[], Numbering], clock: Clock
) -> None:
    box = starts()
    numbers = [box.next() for _ in range(3)]
    assert numbers[0] == TRUE
    clock.ahead = -50 * YEAR
    numbers += [box.next(), starts().next()]
    assert numbers == sorted(set(numbers))


def test_they_go_on_where_a_clock_was_ahead_by_years(starts: Callable[[], Numbering], clock: Clock) -> None:
    clock.ahead = 5 * YEAR
    before = starts().next()
    clock.ahead = 0.0
    assert starts().next() == before + 1


def test_after_a_restored_backup_they_go_on_above_what_was_sent_since(
    starts: Callable[[], Numbering], clock: Clock, tmp_path: Path
) -> None:
    starts().next()
    backup = shutil.copytree(tmp_path, tmp_path / "backup")
    clock.true += 3600
    box = starts()
    sent = [box.next() for _ in range(30)][-1]
    clock.true += 3600
    assert Numbering(backup, synchronised=lambda: False).next() > sent


def test_a_clock_that_was_behind_at_the_start_needs_no_other_start_once_it_is_kept_right(
    starts: Callable[[], Numbering], clock: Clock
) -> None:
    clock.ahead = -6 * YEAR
    box = starts()
    assert box.next() < TRUE
    clock.true += 600
    clock.ahead, clock.kept_right = 0.0, True
    assert box.next() == TRUE


def test_a_full_disk_keeps_no_state_from_being_numbered(
    starts: Callable[[], Numbering], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (station_folder(tmp_path) / FILE_NAME).mkdir(parents=True)  # so nobody can write it
    box = starts()
    assert box.next() < box.next()
    assert "cannot be written" in caplog.text
