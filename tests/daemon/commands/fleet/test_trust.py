"""Nothing is believed but what a box's own key signed, and nothing that lies there stops the rest from being shown."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leapfrog.commands.fleet.needs import BoxInNeed
from leapfrog.fleet.box_state import BoxState
from support.made_up_fleet import MadeUpFleet, signed, well


@pytest.fixture
def fleet(tmp_path: Path) -> MadeUpFleet:
    """Two boxes that are well, and were seen."""
    made = MadeUpFleet(tmp_path)
    made.send("kitui")
    made.send("mwingi")
    made.look()
    return made


def box(fleet: MadeUpFleet, name: str = "kitui", later: timedelta = timedelta(0)) -> BoxInNeed:
    (found,) = (one for one in fleet.look(later).fleet.boxes if one.box.name == name)
    return found


def kinds(fleet: MadeUpFleet) -> dict[str, str]:
    """What is not believed of known boxes, and of files that are nobody's."""
    seen = fleet.look().fleet
    found = {one.box.name: one.box.distrust.kind for one in seen.boxes if one.box.distrust}
    return {**found, **{one.name: one.distrust.kind for one in seen.strangers}}


def state(name: str, now: datetime, number: int) -> BoxState:
    return well(name, now, sequence=int(now.timestamp()) + number)


def test_boxes_that_are_well_need_nobody(fleet: MadeUpFleet) -> None:
    assert [one.needs for one in fleet.look().fleet.boxes] == [(), ()]
    assert "All 2 boxes are well." in fleet.page


PLACED: dict[str, Callable[[MadeUpFleet], bytes]] = {
    "forged": lambda fleet: signed("a stranger", state("kitui", fleet.now, 9)),
    "other": lambda fleet: signed("mwingi", state("mwingi", fleet.now, 9)),
    "older": lambda fleet: signed("kitui", state("kitui", fleet.now, -100)),
    "doubled": lambda fleet: signed("kitui", state("kitui", fleet.now, -3).model_copy(update={"uptime_seconds": 1})),
    "future": lambda fleet: signed("kitui", state("kitui", fleet.now + timedelta(days=400), 9)),
    "unreadable": lambda fleet: signed("kitui", state("kitui", fleet.now, 9)).replace(b"1.4.0", b"1.4.1"),
}


@pytest.mark.parametrize("kind", list(PLACED))
def test_what_the_box_did_not_sign_now_is_named_and_changes_nothing(fleet: MadeUpFleet, kind: str) -> None:
    before = box(fleet).box.heard
    fleet.put("kitui", PLACED[kind](fleet))
    assert kinds(fleet) == {"kitui": kind}
    found = box(fleet)
    assert found.box.heard == before
    assert found.urgency == "now"
    assert box(fleet, "mwingi").needs == ()
    fleet.put("kitui", signed("kitui", state("kitui", fleet.now, 10)))
    assert kinds(fleet) == {}


def test_the_same_state_is_no_older_one(fleet: MadeUpFleet) -> None:
    for _ in range(3):
        assert kinds(fleet) == {}


JUNK: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a link": lambda file: file.symlink_to("/etc/passwd"),
    "a link to itself": lambda file: file.symlink_to(file),
    "a folder": lambda file: file.mkdir(),
    "a device": lambda file: file.symlink_to("/dev/zero"),
    "a hole of a terabyte": lambda file: file.open("w").truncate(1 << 40),
    "nothing": lambda file: file.touch(),
    "no text": lambda file: file.write_bytes(b"\xff\xfe\x00" * 50),
    "brackets": lambda file: file.write_bytes(b"[" * 200_000),
    "a list": lambda file: file.write_bytes(b"[]"),
    "no state": lambda file: file.write_bytes(b'{"state": 3, "signature": "00", "station_key": "\\u0000"}'),
    "a number without end": lambda file: file.write_bytes(b'{"state": {"sequence": ' + b"9" * 9000 + b"}}"),
}


@pytest.mark.parametrize("name", ["kitui", "nobody"])
@pytest.mark.parametrize("junk", list(JUNK))
def test_whatever_lies_there_the_rest_is_shown(fleet: MadeUpFleet, junk: str, name: str) -> None:
    file = fleet.boxes / f"{name}.json"
    file.unlink(missing_ok=True)
    JUNK[junk](file)
    assert kinds(fleet) == {name: "unreadable"}
    assert box(fleet, "mwingi").needs == ()


def test_a_link_is_not_followed_even_to_a_true_state(fleet: MadeUpFleet, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_bytes(signed("kitui", state("kitui", fleet.now, 9)))
    (fleet.boxes / "kitui.json").unlink()
    (fleet.boxes / "kitui.json").symlink_to(elsewhere)
    assert kinds(fleet) == {"kitui": "unreadable"}


def test_a_state_that_says_the_impossible_stops_nothing(fleet: MadeUpFleet) -> None:
    """A box that was stolen has its key, and can sign anything."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    largest = 10**15
    week = {"exams": largest, "urgent": largest, "not_assessed": 3, "answered": 1, "differing": largest}
    said = {
        "made_at": first,
        "sequence": 2**53 - 1,
        "uptime_seconds": largest,
        "owed": {"x" * 64: {"count": largest, "bytes": largest, "oldest_seconds": largest}},
        "device": {"what": "\u202e\u0600<b>" + "W" * 400, "since": last},
        "disks": [{"what": "</table>", "free_bytes": largest, "total_bytes": 0}],
        "clock": {"synchronised": None, "now": last},
        "certificates": [{"what": "a'\"><", "ends_at": last}, {"what": "b", "ends_at": first}],
        "models": [{"name": f"m{number}", "version": "\ufdfd" * 60} for number in range(50)],
        "exams_per_day": [{"day": "9999-12-31", "exams": largest}, {"day": "0001-01-01", "exams": largest}],
        "weeks": [{"week": week_of, **week} for week_of in ("9999-W52", "0001-W01", "2026-W00", "2026-W59")],
        "attention": [{"what": "</main><script>alert(1)</script>" + "e\u0301\u0301" * 150, "since": first}] * 50,
    }
    fleet.put("kitui", signed("kitui", BoxState.model_validate(well("kitui", fleet.now).model_dump() | said)))
    assert kinds(fleet) == {}
    assert box(fleet).urgency == "now"
    assert box(fleet, "mwingi").needs == ()
    assert "And 32 that fewer boxes have." in fleet.page
    for hostile in ("<script>alert", "</main><", "\u202e", "a'\"><"):
        assert hostile not in fleet.page


def test_names_of_files_are_text_on_the_page(fleet: MadeUpFleet) -> None:
    for name in (
        b"<img src=x>.json",
        b"\xff\xfe.json",
        "\u202eevil\n.json".encode(),
        b".json",
        b"%s.json" % (b"a" * 240),
    ):
        Path(os.fsdecode(os.fsencode(fleet.boxes) + b"/" + name)).write_text("{}")
    outcome = fleet.look()
    assert len(outcome.fleet.strangers) == 4  # one without a name is none
    assert "<img" not in fleet.page
    assert "\u202e" not in fleet.page
    assert "\n" not in "".join(outcome.lines())


def test_many_files_of_nobody_are_counted_and_few_are_opened(fleet: MadeUpFleet) -> None:
    for number in range(120):
        fleet.put(f"x{number}", b"{}")
    found = fleet.look().fleet
    assert (len(found.strangers), found.more_strangers) == (50, 70)


def test_a_box_without_a_key_here_is_not_believed(fleet: MadeUpFleet) -> None:
    fleet.send("kitgum", known=False)
    assert kinds(fleet) == {"kitgum": "unknown"}
    fleet.know("kitgum")
    assert kinds(fleet) == {}
    assert box(fleet, "kitgum").needs == ()


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----\n", b"\xff" * 20_000]
)
def test_a_key_that_is_none_costs_its_own_box_the_trust_alone(fleet: MadeUpFleet, content: bytes) -> None:
    (fleet.stations / "kitui.pem").write_bytes(content)
    assert "kitui.pem is not the public key of a box." in [need.what for need in box(fleet).needs]
    assert box(fleet, "mwingi").needs == ()


def test_two_boxes_with_one_key_are_not_told_apart(fleet: MadeUpFleet) -> None:
    (fleet.stations / "kitgum.pem").write_bytes((fleet.stations / "kitui.pem").read_bytes())
    assert box(fleet).box.key_problem
    assert box(fleet, "kitgum").box.key_problem
    assert box(fleet, "mwingi").needs == ()


def test_a_box_with_a_new_key_begins_anew(fleet: MadeUpFleet) -> None:
    fleet.put("kitui", signed("kitui again", state("kitui", fleet.now, -500)))
    assert kinds(fleet) == {"kitui": "forged"}
    fleet.know("kitui again")
    (fleet.stations / "kitui again.pem").rename(fleet.stations / "kitui.pem")
    assert kinds(fleet) == {}
    assert box(fleet).needs == ()


def test_folders_that_are_not_there_are_said_and_the_page_is_made(tmp_path: Path) -> None:
    fleet = MadeUpFleet(tmp_path)
    fleet.boxes.rmdir()
    fleet.stations.rmdir()
    outcome = fleet.look()
    assert len(outcome.fleet.problems) == 2
    assert "No box is known here." in fleet.page
    assert str(fleet.boxes) in fleet.page
