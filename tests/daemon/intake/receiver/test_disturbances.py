"""Whoever disturbs the box shows in the status, in one line, and not in the worklist."""

from leapfrog.intake.receiver.disturbances import (
    COUNTED_SECONDS,
    FORGOTTEN_SECONDS,
    MOST_ADDRESSES,
    MOST_MACHINES,
    SEVERAL,
    Disturbance,
    Disturbances,
)


def test_one_line_says_all_that_a_machine_does() -> None:
    disturbances = Disturbances()
    for kind in (Disturbance.NOT_DICOM, Disturbance.FLOOD, Disturbance.NOT_DICOM):
        for _ in range(SEVERAL):
            disturbances.note("192.0.2.66", kind)
    (problem,) = disturbances.problems()
    assert problem.what == (
        "The machine at 192.0.2.66 disturbs the box: it sends something that is not DICOM; it opens connections faster"
        " than any modality does."
    )
    assert "block it in the network" in problem.remedy
    assert not problem.in_worklist


def test_a_person_who_tries_something_once_is_no_disturbance() -> None:
    disturbances = Disturbances()
    for _ in range(SEVERAL - 1):
        disturbances.note("192.0.2.9", Disturbance.NOT_DICOM)
    assert disturbances.problems() == ()
    assert not disturbances.disturbs("192.0.2.9")


def test_what_is_done_seldom_does_not_add_up() -> None:
    now = [0.0]
    disturbances = Disturbances(lambda: now[0])
    for _ in range(100):
        disturbances.note("192.0.2.9", Disturbance.NOT_DICOM)
        now[0] += COUNTED_SECONDS / 2 + 1
    assert disturbances.problems() == ()


def test_a_machine_that_is_quiet_for_a_day_is_forgotten() -> None:
    now = [0.0]
    disturbances = Disturbances(lambda: now[0])
    disturbances.note("192.0.2.66", Disturbance.FLOOD)
    assert len(disturbances.problems()) == 1
    now[0] += FORGOTTEN_SECONDS + 1
    assert disturbances.problems() == ()


def test_addresses_without_end_show_as_few_and_the_newest_count() -> None:
    disturbances = Disturbances()
    for number in range(2 * MOST_ADDRESSES):
        disturbances.note(f"2001:db8::{number:x}", Disturbance.FLOOD)
    disturbances.note("192.0.2.66", Disturbance.FLOOD)
    problems = disturbances.problems()
    assert len(problems) == MOST_MACHINES
    assert "192.0.2.66" in problems[-1].what
    assert len(disturbances._deeds) == MOST_ADDRESSES
