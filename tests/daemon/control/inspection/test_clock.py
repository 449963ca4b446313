"""A clock that cannot be right."""

from datetime import UTC, datetime

from leapfrog.control.inspection.clock import clock_problem

NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)


def test_a_clock_may_be_right() -> None:
    assert clock_problem(NOW, None) is None
    assert clock_problem(NOW, "2026-12-01T09:29:00+00:00") is None
    assert clock_problem(NOW, "2026-12-02T01:00:00+03:00") is None, "a time zone was changed"


def test_a_clock_without_a_battery_is_noticed() -> None:
    problem = clock_problem(datetime(1970, 1, 1, 0, 5, tzinfo=UTC), None)
    assert problem is not None
    assert "it shows 1970-01-01 00:05" in problem.what
    assert "timedatectl set-time" in problem.remedy


def test_a_clock_that_was_set_back_is_noticed() -> None:
    problem = clock_problem(NOW, "2027-03-01T10:00:00+00:00")
    assert problem is not None
    assert "an image was received on 2027-03-01 10:00" in problem.what


def test_a_time_that_cannot_be_understood_is_no_reason_to_fail() -> None:
    assert clock_problem(NOW, "yesterday") is None
