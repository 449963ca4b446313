"""A district is asked often about what is new, rarely about what is old, and never without end."""

from leapfrog.outbox.answers.patience import (
    AFTER_ANSWER_SECONDS,
    HOUR,
    MOST_ASKS,
    is_nearly_due,
    seconds_until_asked,
)

NOW = 1_800_000_000.0


def test_the_first_hours_have_most_of_the_questions() -> None:
    moment, moments = NOW, []
    for asked in range(MOST_ASKS):
        moment += seconds_until_asked(asked, moment, moment, answered=False)
        moments.append((moment - NOW) / HOUR)
    assert sum(hour <= 12 for hour in moments) >= 10
    assert moments[-1] < 31 * 24
    assert moments[-1] - moments[-2] == 72


def test_a_correction_is_not_waited_for_at_the_screen() -> None:
    assert seconds_until_asked(0, NOW, NOW, answered=True) == AFTER_ANSWER_SECONDS


def test_a_clock_that_was_set_back_does_not_stop_the_questions() -> None:
    assert seconds_until_asked(20, NOW, NOW - 30 * 365 * 24 * HOUR, answered=False) == 0.0


def test_what_is_nearly_due_goes_along() -> None:
    assert is_nearly_due(4, NOW - 0.6 * HOUR, NOW, answered=False)
    assert not is_nearly_due(4, NOW - 0.4 * HOUR, NOW, answered=False)
