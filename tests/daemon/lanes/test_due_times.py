"""The moments at which keys are due, soonest first."""

from leapfrog.lanes.due_times import STALE_ENTRIES, DueTimes


def test_the_soonest_is_first_and_of_two_at_once_the_one_that_was_set_first() -> None:
    due = DueTimes()
    for key, moment in (("late", 9.0), ("one", 3.0), ("other", 3.0)):
        due.set(key, moment)
    order = []
    while first := due.first():
        order.append(first[0])
        due.discard(first[0])
    assert order == ["one", "other", "late"]


def test_a_key_has_one_moment_the_last_that_was_set() -> None:
    due = DueTimes()
    due.set("key", 1.0)
    due.set("key", 5.0)
    due.set("other", 3.0)
    assert due.first() == ("other", 3.0)
    due.set("key", 2.0)
    assert due.first() == ("key", 2.0)
    assert len(due) == 2


def test_a_study_that_changes_a_million_times_takes_up_no_more_room() -> None:
    due = DueTimes()
    for moment in range(10 * STALE_ENTRIES):
        due.set("busy", float(moment))
    assert len(due._heap) <= STALE_ENTRIES + 3
    assert due.first() == ("busy", 10.0 * STALE_ENTRIES - 1)
