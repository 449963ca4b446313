"""What was seen of boxes is remembered: what arrived when, and what may not come back."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leapfrog.commands.fleet.box import Box
from support.made_up_fleet import MadeUpFleet, signed, well


@pytest.fixture
def fleet(tmp_path: Path) -> MadeUpFleet:
    made = MadeUpFleet(tmp_path)
    made.send("kitui")
    made.look()
    return made


def kitui(fleet: MadeUpFleet, later: timedelta = timedelta(0)) -> Box:
    (found,) = fleet.look(later).fleet.boxes
    return found.box


def test_a_box_whose_file_is_gone_keeps_what_is_known_of_it(fleet: MadeUpFleet) -> None:
    before = kitui(fleet).heard
    (fleet.boxes / "kitui.json").unlink()
    found = kitui(fleet)
    assert found.missing
    assert found.heard == before


def test_the_time_of_a_file_does_not_make_a_silent_box_heard(fleet: MadeUpFleet) -> None:
    arrived = kitui(fleet).heard.arrived_at  # type: ignore[union-attr]
    content = (fleet.boxes / "kitui.json").read_bytes()
    (fleet.boxes / "kitui.json").unlink()
    fleet.put("kitui", content)  # a copy, as a restore of the folder would make it
    found = fleet.look(timedelta(days=2)).fleet.boxes[0]
    assert found.box.heard is not None
    assert found.box.heard.arrived_at == arrived
    assert "Nothing was heard of it for 2 days." in fleet.page


def test_a_memory_that_is_damaged_is_said_and_begins_anew(fleet: MadeUpFleet) -> None:
    for content in ("", "{", '{"format": 9, "boxes": {}}', '{"format": 1, "boxes": {"kitui": {}}}'):
        (fleet.out / "seen.json").write_text(content)
        outcome = fleet.look()
        assert "was damaged and begins anew" in outcome.fleet.problems[0]
        assert (fleet.out / "seen.damaged").read_text() == content
        assert outcome.fleet.boxes[0].box.heard is not None
    assert fleet.look().fleet.problems == ()


def test_nothing_is_written_to_the_disk_when_nothing_is_new(fleet: MadeUpFleet) -> None:
    before = (fleet.out / "seen.json").stat()
    fleet.look(timedelta(hours=1))
    assert (fleet.out / "seen.json").stat() == before


def test_what_a_stick_brings_later_than_the_link_changes_nothing(fleet: MadeUpFleet) -> None:
    before = kitui(fleet).heard
    fleet.put("kitui", signed("kitui", well("kitui", fleet.now - timedelta(days=3))), by_stick=True)
    found = kitui(fleet)
    assert (found.heard, found.distrust) == (before, None)


def test_what_a_stick_brings_that_is_newer_counts(fleet: MadeUpFleet) -> None:
    newer = well("kitui", fleet.now - timedelta(hours=1), sequence=2**40)
    fleet.put("kitui", signed("kitui", newer), by_stick=True)
    for _ in range(2):  # also when both are seen again
        found = kitui(fleet)
        assert found.heard is not None
        assert (found.heard.state, found.heard.by_stick, found.distrust) == (newer, True, None)


def test_of_a_stick_the_clock_is_not_judged_by_how_long_it_took(tmp_path: Path) -> None:
    fleet = MadeUpFleet(tmp_path)
    said: dict[str, Any] = {"made_at": fleet.now - timedelta(days=6), "clock": {"synchronised": None, "now": fleet.now}}
    fleet.send("by-stick", by_stick=True, **said)
    fleet.send("by-link", **said)
    by_link, by_stick = fleet.look().fleet.boxes
    assert [need.what for need in by_link.needs] == ["Its clock is 6 days behind: its exams have the wrong time."]
    assert by_stick.needs == ()
    assert "by stick, made" in fleet.page


@pytest.mark.parametrize(
    ("had", "has", "is_told"),
    [
        (f"7:{'a' * 64}", f"9:{'b' * 64}", False),
        (f"7:{'a' * 64}", f"7:{'a' * 64}", False),
        (f"7:{'a' * 64}", f"7:{'b' * 64}", True),
        (f"7:{'a' * 64}", f"6:{'c' * 64}", True),
        (f"7:{'a' * 64}", "", True),
        ("", f"1:{'a' * 64}", False),
    ],
)
def test_a_log_of_who_did_what_that_lacks_lines_is_told_for_four_weeks(
    tmp_path: Path, had: str, has: str, is_told: bool
) -> None:
    fleet = MadeUpFleet(tmp_path)
    fleet.send("kitui", newest_action=had, made_at=fleet.now - timedelta(hours=1))
    fleet.look()
    fleet.send("kitui", newest_action=has)
    fleet.look()
    assert ("lacks lines that it had" in fleet.page) is is_told
    for later, still in ((timedelta(hours=20), is_told), (timedelta(days=29), False)):
        fleet.look(later)
        assert ("lacks lines that it had" in fleet.page) is still
