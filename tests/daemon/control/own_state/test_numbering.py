"""The number of each state is larger than all before, whatever becomes of the journal and the clock."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from leapfrog.control.own_state.numbering import FILE_NAME, Numbering
from leapfrog.state.journal import Journal
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
def starts(tmp_path: Path, clock: Clock) -> Iterator[Callable[[], Numbering]]:
    """Starts the box, with the journal that it has then."""
    opened = []

    def start() -> Numbering:
        opened.append(Journal(tmp_path / "journal.sqlite"))
        return Numbering(opened[-1], tmp_path, synchronised=lambda: clock.kept_right)

    yield start
    for journal in opened:
        journal.close()


def lose_the_journal(state_dir: Path) -> None:
    for file in state_dir.glob("journal.sqlite*"):
        file.unlink()


def test_each_is_larger_also_after_a_restart_and_with_a_clock_that_was_set_back(
    starts: Callable[[], Numbering], clock: Clock
) -> None:
    box = starts()
    numbers = [box.next() for _ in range(3)]
    assert numbers[0] == TRUE
    clock.ahead = -50 * YEAR
    numbers += [box.next(), starts().next()]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("ahead", [-6 * YEAR, 5 * YEAR])
def test_a_journal_that_is_made_anew_begins_no_numbers_anew_although_the_clock_was_wrong(
    ahead: float, starts: Callable[[], Numbering], clock: Clock, tmp_path: Path
) -> None:
    clock.ahead = max(ahead, 0.0)
    before = [starts().next() for _ in range(5)][-1]
    lose_the_journal(tmp_path)
    clock.ahead = min(ahead, 0.0)
    assert starts().next() > before


def test_where_the_file_is_lost_the_journal_knows(
    starts: Callable[[], Numbering], clock: Clock, tmp_path: Path
) -> None:
    before = starts().next()
    (station_folder(tmp_path) / FILE_NAME).unlink()
    clock.ahead = -6 * YEAR
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
    restored = Journal(backup / "journal.sqlite")
    assert Numbering(restored, backup, synchronised=lambda: False).next() > sent
    restored.close()


def test_a_clock_that_was_behind_at_the_start_needs_no_other_start_once_it_is_kept_right(
    starts: Callable[[], Numbering], clock: Clock
) -> None:
    clock.ahead = -6 * YEAR
    box = starts()
    assert box.next() < TRUE
    clock.true += 600
    clock.ahead, clock.kept_right = 0.0, True
    assert box.next() == TRUE


def test_a_file_that_cannot_be_written_stops_nothing(
    starts: Callable[[], Numbering], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (station_folder(tmp_path) / FILE_NAME).mkdir(parents=True)
    box = starts()
    assert box.next() < box.next()
    assert "cannot be written" in caplog.text
