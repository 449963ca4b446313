"""When a study's report is due: at once, after a pause that grows with what rendering costs, and when it is quiet."""

import math
import time
from collections.abc import Callable

import pytest

from leapfrog.lanes import agenda as agenda_module
from leapfrog.lanes.agenda import (
    BOX_PAUSE,
    OVERDUE_SECONDS,
    RENDER_INTERVAL_SECONDS,
    RENDER_PAUSE_LIMIT_SECONDS,
    STUDY_PAUSE,
    Agenda,
)

QUIET_SECONDS = 20.0


class Clock:
    """Monotonic time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(agenda_module, "time", made)
    return made


@pytest.fixture
def agenda(clock: Clock) -> Agenda:
    assert clock.now
    return Agenda(QUIET_SECONDS)


def test_the_first_report_is_due_at_once_and_the_next_after_the_interval(agenda: Agenda, clock: Clock) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 0.1)
    agenda.changed("A")
    assert agenda.claim_growing() is None
    clock.now += RENDER_INTERVAL_SECONDS
    assert agenda.claim_growing() == "A"


def test_a_study_that_nobody_changed_is_never_due_before_it_is_quiet(agenda: Agenda, clock: Clock) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 0.1)
    assert (agenda.claim_growing(), agenda.claim_idle(), agenda.claim_closing()) == (None, None, None)
    assert agenda.seconds_until_due(100.0) == pytest.approx(QUIET_SECONDS)
    clock.now += QUIET_SECONDS
    assert agenda.claim_closing() == "A"
    agenda.finished("A", 0.1, closed=True)
    clock.now += 1000
    assert agenda.claim_closing() is None


def test_a_study_of_10_000_images_is_rendered_a_tenth_of_the_time_while_it_grows(agenda: Agenda, clock: Clock) -> None:
    """Each render takes longer than the one before, each image the same time."""
    rendering, began = 0.0, clock.now
    for size in range(1, 10_001):
        clock.now += 0.1
        agenda.changed("big")
        if key := agenda.claim_growing():
            seconds = 0.002 * size
            clock.now += seconds
            rendering += seconds
            agenda.finished(key, seconds)
    assert rendering / (clock.now - began) < 1 / STUDY_PAUSE


def test_fifty_big_studies_at_once_leave_most_of_the_time_to_images(agenda: Agenda, clock: Clock) -> None:
    rendering = 0.0
    for number in range(50):
        agenda.changed(f"study {number}")
        while key := agenda.claim_growing():
            agenda.finished(key, 0.0)
    began = clock.now
    for number in range(3000):
        clock.now += 0.1
        agenda.changed(f"study {number % 50}")
        if key := agenda.claim_growing():
            clock.now += 2.0
            rendering += 2.0
            agenda.finished(key, 2.0)
    assert rendering / (clock.now - began) < 1 / BOX_PAUSE


def test_a_new_study_does_not_wait_for_the_pauses_of_big_ones(agenda: Agenda) -> None:
    agenda.changed("big")
    assert agenda.claim_growing() == "big"
    agenda.finished("big", 60.0)
    agenda.changed("new")
    assert agenda.claim_growing() == "new"


def test_when_no_image_waits_a_report_is_completed_sooner(agenda: Agenda, clock: Clock) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 1.0)
    agenda.changed("A")
    clock.now += 1.0
    assert agenda.claim_growing() is None
    assert agenda.claim_idle() == "A"


def test_a_study_with_unread_images_comes_up_again_with_the_next_reading(agenda: Agenda, clock: Clock) -> None:
    agenda.changed("A")
    assert agenda.claim_idle() == "A"
    agenda.put_back("A", lacking=True, whole=False)
    assert agenda.claim_idle() is None
    clock.now += QUIET_SECONDS
    assert agenda.claim_closing() is None
    agenda.changed("A")
    assert agenda.claim_idle() == "A"


@pytest.mark.parametrize("end", [lambda agenda: agenda.finished("A", 0.0, closed=True),
                                 lambda agenda: agenda.finished("A", 0.0),
                                 lambda agenda: agenda.put_back("A", lacking=False, whole=False)])  # fmt: skip
def test_what_changes_during_a_render_is_due_after_it(
    agenda: Agenda, clock: Clock, end: Callable[[Agenda], None]
) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.changed("A")
    assert (agenda.claim_growing(), agenda.claim_idle(), agenda.claim_closing()) == (None, None, None)
    end(agenda)
    clock.now += RENDER_INTERVAL_SECONDS
    assert agenda.claim_growing() == "A"


def test_a_report_that_keeps_failing_is_tried_less_and_less_often(agenda: Agenda, clock: Clock) -> None:
    pauses = []
    for _ in range(4):
        agenda.changed("A")
        waited = 0.0
        while agenda.claim_idle() is None:
            clock.now += 0.5
            waited += 0.5
        pauses.append(waited)
        agenda.finished("A", 0.1, failed=True)
    assert pauses == sorted(pauses)
    assert pauses[-1] > 2 * pauses[1] > 0


def test_a_report_whose_reader_was_killed_after_long_work_is_tried_again_soon(agenda: Agenda, clock: Clock) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 60.0, failed=True)
    clock.now += 2 * RENDER_INTERVAL_SECONDS
    assert agenda.claim_idle() == "A"


def test_a_report_that_takes_long_to_fail_is_tried_again_after_the_longest_pause(agenda: Agenda, clock: Clock) -> None:
    agenda.changed("A")
    for _ in range(3):
        assert agenda.claim_idle() == "A"
        clock.now += 600.0
        agenda.finished("A", 600.0, failed=True)
        clock.now += RENDER_PAUSE_LIMIT_SECONDS


def test_a_report_that_fails_for_weeks_is_tried_all_the_same(agenda: Agenda, clock: Clock) -> None:
    agenda.changed("A")
    for _ in range(2000):
        assert agenda.claim_idle() == "A"
        agenda.finished("A", 0.0, failed=True)
        clock.now += RENDER_PAUSE_LIMIT_SECONDS


def test_a_report_that_fails_keeps_no_other_waiting(agenda: Agenda, clock: Clock) -> None:
    for key in ("A", "B"):
        agenda.changed(key)
        assert agenda.claim_growing() == key
        agenda.finished(key, 0.0)
        agenda.changed(key)
    clock.now += RENDER_INTERVAL_SECONDS
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 600.0, failed=True)
    assert agenda.claim_growing() == "B"


def test_a_stream_of_images_does_not_put_off_closing_versions_for_ever(agenda: Agenda, clock: Clock) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 0.1)
    clock.now += QUIET_SECONDS + OVERDUE_SECONDS / 2
    assert agenda.claim_overdue() is None
    clock.now += OVERDUE_SECONDS / 2
    assert agenda.claim_overdue() == "A"


def test_what_is_taken_up_again_keeps_its_pauses_and_learns_that_readings_are_lacking(
    agenda: Agenda, clock: Clock
) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 0.1)
    agenda.take_up({"A": False, "B": False})
    assert agenda.claim_growing() is None
    agenda.take_up({"A": True})
    assert agenda.claim_growing() is None
    clock.now += RENDER_INTERVAL_SECONDS
    assert agenda.claim_growing() == "A"


def test_choosing_among_20_000_open_studies_costs_what_it_costs_among_100(clock: Clock) -> None:
    def seconds_a_choice(studies: int) -> float:
        agenda = Agenda(QUIET_SECONDS)
        agenda.take_up({f"study {number}": False for number in range(studies)})
        began = time.perf_counter()
        for number in range(1000):
            clock.now += 0.001
            agenda.changed(f"study {number % 100}")
            key = agenda.claim_growing()
            if key:
                agenda.finished(key, 0.0)
            agenda.seconds_until_due(1.0)
        return (time.perf_counter() - began) / 1000

    few, many = (min(seconds_a_choice(studies) for _ in range(3)) for studies in (100, 20_000))
    assert many < 10 * few  # going through them all takes 200 times as long


def test_what_is_large_is_offered_to_the_side_lane_alone(agenda: Agenda, clock: Clock) -> None:
    agenda.changed("large")
    assert agenda.claim_growing(large=True) is None, "nobody has looked how large it is"
    assert agenda.claim_growing() == "large"
    agenda.is_large("large", lacking=True)
    assert agenda.claim_growing() is None
    assert agenda.seconds_until_due(100.0) == 100.0
    assert agenda.seconds_until_due(100.0, large=True) == 0.0
    assert agenda.claim_growing(large=True) == "large"
    agenda.changed("large")
    agenda.finished("large", 3.0)
    clock.now += STUDY_PAUSE * 3.0
    assert (agenda.claim_growing(), agenda.claim_idle()) == (None, None)
    assert agenda.claim_growing(large=True) == "large"
    agenda.finished("large", 3.0)
    clock.now += QUIET_SECONDS
    assert (agenda.claim_closing(), agenda.claim_overdue()) == (None, None)
    assert agenda.claim_closing(large=True) == "large"
    agenda.finished("large", 3.0, closed=True)
    assert agenda.seconds_until_due(100.0, large=True) == 100.0


def test_a_render_on_the_side_lane_keeps_no_other_report_waiting(agenda: Agenda, clock: Clock) -> None:
    for key in ("large", "small"):
        agenda.changed(key)
        assert agenda.claim_growing() == key
        agenda.finished(key, 0.0)
        agenda.changed(key)
    clock.now += RENDER_INTERVAL_SECONDS
    assert agenda.claim_growing() == "large"
    agenda.is_large("large", lacking=True)
    assert agenda.claim_growing(large=True) == "large"
    agenda.finished("large", 60.0)
    assert agenda.claim_growing() == "small"


def test_what_is_urgent_waits_for_no_pause(agenda: Agenda, clock: Clock) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 10.0)
    agenda.changed("A")
    assert agenda.claim_growing() is None
    agenda.changed("A", urgent=True)
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 10.0)
    agenda.changed("A")
    assert agenda.claim_growing() is None, "once it was told, it is as any other"
    clock.now += STUDY_PAUSE * 10.0
    assert agenda.claim_growing() == "A"


def test_what_is_urgent_and_could_not_be_rendered_is_tried_again_as_such_after_a_pause(
    agenda: Agenda, clock: Clock
) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.is_large("A", lacking=True)
    agenda.changed("A", urgent=True)
    for _ in range(2):
        assert agenda.claim_growing() == "A"
        agenda.finished("A", 0.1, failed=True)
        assert (agenda.claim_growing(), agenda.claim_growing(large=True)) == (None, None)
        clock.now += 4 * RENDER_INTERVAL_SECONDS
        assert agenda.claim_idle(large=True) is None, "the side lane takes a minute for all of it"
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 0.1)
    agenda.changed("A")
    assert agenda.claim_growing() is None, "once it is shown, it is as any other"


def test_a_report_that_was_given_up_is_made_as_soon_as_nothing_goes_before_it(agenda: Agenda) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 60.0, again_in=0.0)
    assert agenda.claim_idle() == "A"


def test_a_report_for_which_the_disk_has_no_room_is_tried_as_often_after_hours(agenda: Agenda, clock: Clock) -> None:
    agenda.changed("A", urgent=True)
    for _ in range(100):
        assert agenda.claim_growing() == "A"
        agenda.finished("A", 1.0, again_in=10.0)
        assert (agenda.claim_growing(), agenda.claim_idle()) == (None, None)
        clock.now += 10.0


def test_what_is_found_to_be_urgent_does_not_wait_for_the_pause_after_a_failure(agenda: Agenda) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.finished("A", 1.0, failed=True)
    agenda.changed("A", urgent=True)
    assert agenda.claim_growing() == "A"


def test_what_others_are_to_be_told_at_once_waits_for_no_pause_unless_it_fails(agenda: Agenda, clock: Clock) -> None:
    for key in ("A", "B"):
        agenda.changed(key)
        assert agenda.claim_growing() == key
        agenda.is_large(key, lacking=True)
    assert agenda.claim_growing(large=True) == "A"
    agenda.finished("A", 60.0)  # none of the side lane for two minutes, but
    agenda.changed("B", urgent=True)
    assert agenda.claim_growing() == "B"
    agenda.finished("B", 2.0, untold=True)
    agenda.changed("B")
    assert agenda.claim_growing() is None
    assert agenda.claim_growing(large=True) == "B"
    agenda.finished("B", 60.0, failed=True, untold=True)
    assert agenda.claim_growing(large=True) is None
    clock.now += 2 * RENDER_INTERVAL_SECONDS
    assert agenda.claim_growing(large=True) == "B"
    agenda.finished("B", 60.0)
    agenda.changed("B")
    assert agenda.claim_growing(large=True) is None, "once it is told, it is as any other"


def test_a_large_study_is_among_the_others_while_something_urgent_is_untold(agenda: Agenda) -> None:
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.is_large("A", lacking=True)
    assert agenda.claim_growing() is None
    agenda.changed("A", urgent=True)
    assert (agenda.claim_growing(large=True), agenda.claim_idle(large=True)) == (None, None)
    assert agenda.claim_growing() == "A"
    agenda.changed("A")
    assert (agenda.claim_growing(), agenda.claim_growing(large=True)) == (None, None), "while it is rendered"
    agenda.finished("A", 0.0)
    assert agenda.claim_idle() is None
    assert agenda.claim_idle(large=True) == "A"


def test_a_lane_knows_when_a_study_is_due_of_which_an_image_waits(agenda: Agenda, clock: Clock) -> None:
    """Nobody wakes it up for that, and the image may wait for long."""
    agenda.changed("A")
    assert agenda.claim_growing() == "A"
    agenda.is_large("A", lacking=True)
    assert agenda.claim_growing(large=True) == "A"
    agenda.changed("A")
    agenda.finished("A", 1.0)
    clock.now += 1.0
    assert agenda.claim_idle(large=True) == "A"
    agenda.put_back("A", lacking=True, whole=False)
    seconds = agenda.seconds_until_due(math.inf, large=True)
    assert 0.0 < seconds <= STUDY_PAUSE * 1.0
    clock.now += seconds
    assert agenda.claim_growing(large=True) == "A"
