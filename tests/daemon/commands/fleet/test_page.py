"""The page that a district reads: whoever needs somebody stands first, with what and what to do; on any screen, and
with nothing that a box says able to do anything but be read.
"""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from html import unescape
from pathlib import Path

import pytest

from leapfrog.commands.fleet.drift import RULE
from leapfrog.fleet.box_state import BundleInUse, DayCount, WeekCount
from support.accessibility import violations
from support.browser import Browser, chromium_program
from support.made_up_fleet import MadeUpFleet, weeks_before

in_a_browser = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> MadeUpFleet:
    fleet = MadeUpFleet(tmp_path_factory.mktemp("fleet"))
    fleet.trouble()
    fleet.look()
    return fleet


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running


def needs(fleet: MadeUpFleet) -> dict[str, list[tuple[str, str]]]:
    return {one.box.name: [(need.urgency, need.what) for need in one.needs] for one in fleet.look().fleet.boxes}


def test_each_box_is_said_to_need_what_it_needs(troubled: MadeUpFleet) -> None:
    found = needs(troubled)
    (forged,) = found.pop("forged")
    assert forged == ("now", "Not forged's key signed it, but one that is not known here.")
    space = "\N{NO-BREAK SPACE}"
    assert found == {
        "asking": [("soon", "It says: <script>alert(1)</script> The printer has no paper.")],
        "by-stick": [],
        "differing": [
            (
                "now",
                "More answers that differ from what the box found than before:"
                f" 40{space}% (48 of 120), before 10{space}% (63 of 630).",
            )
        ],
        "drifting": [
            (
                "soon",
                f"More urgent exams than before: 35{space}% (84 of 240), before 15{space}% (189 of 1,260).",
            )
        ],
        "ending": [("now", "The certificate district.client_certificate ends in 3 days.")],
        "ending-soon": [("soon", "The certificate district.client_certificate ends in 20 days.")],
        "fast": [("soon", "Its clock is 2 hours ahead: its exams have the wrong time.")],
        "full": [("now", f"The disk “<state>” has 2.0 GB left (1{space}% of it).")],
        "gone": [("now", "Its state is gone from the folder: somebody removed it.")],
        "low": [("soon", f"The disk “reports” has 20 GB left (8{space}% of it).")],
        "never": [("soon", "It was never heard of.")],
        "old-model": [("soon", "It has chest-findings 1.1.0; most others have 1.2.0.")],
        "owing": [("soon", "It still has 812 objects to send, the oldest for 5 days.")],
        "owing-long": [("now", "It still has 812 objects to send, the oldest for 15 days.")],
        "refusing": [("now", "It says: The disk is nearly full, so new images are refused.")],
        "silent": [("now", "Nothing was heard of it for 3 days.")],
        "well": [],
        "well-too": [],
    }


def test_boxes_that_need_somebody_stand_first(troubled: MadeUpFleet) -> None:
    order = [one.urgency for one in troubled.look().fleet.boxes]
    assert order == sorted(order, key=("now", "soon", None).index)
    assert "Of 19 boxes, 8 need somebody today, 8 need somebody this week." in troubled.page
    assert RULE in unescape(troubled.page)


def test_a_box_without_exams_for_days_is_told_unless_it_never_had_many(tmp_path: Path) -> None:
    fleet = MadeUpFleet(tmp_path)
    for name, before in (("busy", 8), ("rare", 1)):
        days = [(fleet.now.date() - timedelta(days=13 - number), before if number < 10 else 0) for number in range(14)]
        fleet.send(name, exams_per_day=[{"day": day, "exams": exams} for day, exams in days])
    assert needs(fleet) == {
        "busy": [("soon", "It had no exam on the last 3 days, and 8 a day before.")],
        "rare": [],
    }


def test_a_day_is_over_by_the_calendar_of_the_box_not_of_the_district(tmp_path: Path) -> None:
    evening = datetime(2026, 11, 26, 21, 0, tzinfo=timezone(timedelta(hours=-5)))  # the 27th, at the district
    fleet = MadeUpFleet(tmp_path, now=evening.astimezone(UTC) + timedelta(seconds=3))
    counts = [5] * 11 + [0, 0, 0]  # nothing on the two days before, and nothing yet today
    first = evening.date() - timedelta(days=13)
    days = [DayCount(day=first + timedelta(days=number), exams=count) for number, count in enumerate(counts)]
    fleet.send("lima", made_at=evening, exams_per_day=tuple(days))
    assert needs(fleet) == {"lima": []}


def test_a_week_of_which_a_box_told_the_beginning_alone_is_no_full_week(tmp_path: Path) -> None:
    monday = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    fleet = MadeUpFleet(tmp_path, now=monday + timedelta(days=8))
    begun = WeekCount(week="2026-W48", exams=40, urgent=0, not_assessed=40, answered=0, differing=0)
    weeks = (*weeks_before(monday.date(), [0.15] * 24), begun)
    fleet.send("stolen", made_at=monday, weeks=weeks)
    assert [what for _, what in needs(fleet)["stolen"] if "before" in what] == []


def test_a_share_that_changed_with_the_models_is_told_with_the_bundle_that_brought_them(tmp_path: Path) -> None:
    fleet = MadeUpFleet(tmp_path)
    weeks = weeks_before(fleet.now.date(), [0.15] * 21 + [0.35] * 4)
    fleet.send("new-models", weeks=weeks, bundle=BundleInUse(number=7, since=fleet.now - timedelta(days=20)))
    fleet.send("long-since", weeks=weeks, bundle=BundleInUse(number=6, since=fleet.now - timedelta(days=90)))
    to_do = {one.box.name: one.needs[0].do for one in fleet.look().fleet.boxes}
    assert to_do["new-models"].startswith("It has used the district's bundle 7 since")
    assert "bundle" not in to_do["long-since"]


def test_nobody_is_called_well_of_whom_nothing_is_known(tmp_path: Path) -> None:
    fleet = MadeUpFleet(tmp_path)
    fleet.know("new")
    fleet.look()
    assert "The box was not heard of yet." in fleet.page
    fleet.send("well")
    fleet.look()
    assert "1 of 2 boxes was not heard of yet; the others are well." in fleet.page
    assert ">not heard of yet<" in fleet.page
    fleet.send("new")
    fleet.look()
    assert "All 2 boxes are well." in fleet.page
    shutil.rmtree(fleet.boxes)
    fleet.look()
    assert "Whether all boxes are well is not known" in fleet.page


def test_a_box_that_comes_by_stick_is_given_two_weeks(tmp_path: Path) -> None:
    fleet = MadeUpFleet(tmp_path)
    fleet.send("by-stick", by_stick=True, made_at=fleet.now - timedelta(days=20))
    fleet.look()
    for days, silent in ((13, False), (15, True)):
        fleet.heard_ago("by-stick", timedelta(days=days))
        assert bool(needs(fleet)["by-stick"]) == silent


def test_the_page_needs_nothing_but_itself_and_runs_nothing(troubled: MadeUpFleet) -> None:
    page = unescape(troubled.page.replace("&lt;", ""))
    assert not re.findall(r"<(?:script|link|img|iframe|object|form)|\son\w+=|url\(|https?:", page)
    assert "default-src 'none'" in page
    assert "script-src" not in page


@in_a_browser
@pytest.mark.parametrize("width", [390, 900, 1440])
def test_nothing_runs_off_the_screen(troubled: MadeUpFleet, browser: Browser, width: int) -> None:
    browser.whole_page(troubled.out / "index.html", width)
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.console == []
    assert "alert(1)" in browser.value("document.body.innerText")


@in_a_browser
def test_the_page_has_no_barriers(troubled: MadeUpFleet, browser: Browser) -> None:
    browser.open(troubled.out / "index.html")
    found = [one for one in violations(browser) if not one.startswith("meta-refresh")]
    assert found == []


def test_a_box_that_reports_once_a_night_is_not_silent(tmp_path: Path) -> None:
    fleet = MadeUpFleet(tmp_path)
    fleet.send("nightly")
    for hours, silent in ((25, False), (27, True)):
        outcome = fleet.look(timedelta(hours=hours))
        assert bool(outcome.fleet.boxes[0].needs) == silent
