"""What is worth more goes first, and nobody waits for ever."""

import threading
import time

import pytest

from leapfrog.outbox.pacing.precedence import RESTING_SECONDS, SHARE, Precedence

URGENT_REPORT, REPORT, PAPER, ORIGINAL = 0, 2, 3, 8


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_an_original_waits_for_a_result_and_goes_on_at_once_when_that_is_through() -> None:
    precedence = Precedence()
    went_on_at = 0.0

    def go_on() -> None:
        nonlocal went_on_at
        assert original.wait(10.0)
        went_on_at = time.monotonic()

    with precedence.turn(ORIGINAL) as original:
        assert original.wait(0.0)
        with precedence.turn(REPORT) as report:
            assert not original.wait(0.05)
            assert report.wait(0.0)
            waiting = threading.Thread(target=go_on)
            waiting.start()
            time.sleep(0.1)
            through_at = time.monotonic()
        waiting.join()
    assert 0.0 <= went_on_at - through_at < 0.3


def test_a_paper_waits_for_a_structured_report_and_what_waits_holds_up_nobody() -> None:
    clock = Clock()
    precedence = Precedence(clock)
    with precedence.turn(PAPER) as paper, precedence.turn(ORIGINAL) as original, precedence.turn(REPORT) as report:
        assert not paper.wait(0.0)
        clock.seconds += RESTING_SECONDS
        report.moves()
        clock.seconds += RESTING_SECONDS
        assert paper.wait(0.0) and original.wait(0.0)


def test_equals_do_not_wait_for_each_other() -> None:
    precedence = Precedence()
    with precedence.turn(ORIGINAL) as one, precedence.turn(ORIGINAL) as other:
        assert one.wait(0.0) and other.wait(0.0)


def test_a_result_whose_server_says_nothing_holds_up_nobody_for_long() -> None:
    clock = Clock()
    precedence = Precedence(clock)
    with precedence.turn(REPORT), precedence.turn(ORIGINAL) as original:
        assert not original.wait(0.0)
        clock.seconds += RESTING_SECONDS
        assert original.wait(0.0)


def _share_of_ten_minutes(rank: int, gap_seconds: float = 0.0) -> float:
    """How much an original may move in ten minutes of results of that rank, each of which takes 10 s, with gaps between
    them.
    """
    clock = Clock()
    precedence = Precedence(clock)
    taken = 0.0
    with precedence.turn(ORIGINAL) as original:
        for _ in range(60):
            with precedence.turn(rank) as result:
                for _ in range(100):
                    clock.seconds += 0.1
                    result.moves()
                    assert not original.wait(0.0)
                    while original.take_share(0.25):
                        taken += 0.25
            clock.seconds += gap_seconds
            original.moves()
    return taken


@pytest.mark.parametrize("rank", [REPORT, PAPER])
def test_originals_have_a_fifth_of_the_time_while_results_never_end(rank: int) -> None:
    taken = _share_of_ten_minutes(rank)
    assert abs(taken / 600 - SHARE) < 0.01
    assert taken / (600 + taken) >= 0.19


def test_originals_that_have_the_link_now_and_then_take_no_share_of_results() -> None:
    assert _share_of_ten_minutes(PAPER, gap_seconds=3.0) == 0


def test_urgent_results_share_with_nobody() -> None:
    assert _share_of_ten_minutes(URGENT_REPORT) == 0
