"""A share that changed is told, and chance is not. The large form of what is tried here by chance, with the numbers in
config/fleet.md, is `python -m support.drift_trial`, from tests/.
"""

from datetime import date, timedelta

import pytest

from leapfrog.commands.fleet.drift import drifts
from leapfrog.fleet.box_state import WeekCount
from support.drift_trial import Clinic, alarms_a_year, found_within
from support.made_up_fleet import week_name, weeks_before

TODAY = date(2026, 11, 30)  # a Monday


def measured(weeks: tuple[WeekCount, ...], today: date = TODAY) -> dict[str, tuple[int, int]]:
    return {one.measure: (one.now.events, one.now.of) for one in drifts(weeks, today)}


def test_more_urgent_exams_than_before_are_told_with_since_when() -> None:
    (found,) = drifts(weeks_before(TODAY, [0.15] * 21 + [0.35] * 4), TODAY)
    assert (found.measure, found.more) == ("urgent", True)
    assert (found.now.events, found.now.of, found.before.of) == (84, 240, 21 * 60)
    assert found.since == date(2026, 11, 9)  # the second of the four weeks was the first that was enough


def test_fewer_urgent_exams_are_told_too() -> None:
    """A model that finds nothing any more has no other sign."""
    (found,) = drifts(weeks_before(TODAY, [0.2] * 21 + [0.02] * 4), TODAY)
    assert (found.measure, found.more) == ("urgent", False)


@pytest.mark.parametrize("measure", ["not_assessed", "differing"])
def test_of_these_only_more_is_told(measure: str) -> None:
    long_before, before = TODAY - timedelta(weeks=4), {measure: 12}
    for counts, expected in (((3, 15), {measure}), ((15, 3), set())):
        past, recent = counts
        weeks = (
            *weeks_before(long_before, [0.15] * 21, **{**before, measure: past}),
            *weeks_before(TODAY, [0.15] * 4, **{measure: recent}),
        )
        assert set(measured(weeks)) == expected


def test_two_of_three_are_no_alarm_whatever_was_before() -> None:
    past = weeks_before(TODAY - timedelta(weeks=4), [0.0] * 21)
    recent = tuple(
        WeekCount(week=one.week, exams=3 if number == 3 else 0, urgent=2 if number == 3 else 0, not_assessed=0,
                  answered=0, differing=0)
        for number, one in enumerate(weeks_before(TODAY, [0.0] * 4))
    )  # fmt: skip
    assert measured((*past, *recent)) == {}


def test_a_box_without_a_past_has_no_drift() -> None:
    assert measured(weeks_before(TODAY, [0.1] * 7 + [0.5] * 4)) == {}
    assert measured(()) == {}


def test_the_week_that_still_runs_does_not_count() -> None:
    weeks = weeks_before(TODAY, [0.15] * 25)
    running = WeekCount(week=week_name(TODAY), exams=500, urgent=500, not_assessed=500, answered=0, differing=0)
    assert measured((*weeks, running)) == {}
    assert set(measured((*weeks, running), TODAY + timedelta(days=7))) == {"urgent", "not_assessed"}


def test_weeks_that_always_differ_a_lot_need_a_larger_change() -> None:
    steady, unsteady = [0.15] * 21, [0.02, 0.28] * 10 + [0.15]
    lately = [0.27] * 4
    assert set(measured(weeks_before(TODAY, steady + lately))) == {"urgent"}
    assert measured(weeks_before(TODAY, unsteady + lately)) == {}


def test_a_change_that_is_sure_and_small_is_none() -> None:
    assert measured(weeks_before(TODAY, [0.15] * 21 + [0.2] * 4, exams=5000)) == {}


@pytest.mark.parametrize("scatter", [0.0, 0.2])
def test_false_alarms_are_rare(scatter: float) -> None:
    assert alarms_a_year(Clinic("urgent", 30, 0.15, scatter), boxes=40) <= 0.1


def test_a_change_that_matters_is_found_within_two_months() -> None:
    assert found_within(Clinic("differing", 30, 0.15, 0.2, later=0.4), weeks=8, boxes=20) >= 0.8
