"""How fast a link is, by what it carried."""

import pytest

from leapfrog.outbox.pacing.rate import LinkRate


def test_nothing_is_said_before_enough_was_sent() -> None:
    rate = LinkRate()
    rate.note(5_000, 1.0)
    rate.note(0, 40.0)
    assert rate.bytes_per_second() is None


def test_it_is_what_was_sent_in_the_time_of_sending() -> None:
    rate = LinkRate()
    for _ in range(20):
        rate.note(8_000, 1.0)
    assert rate.bytes_per_second() == pytest.approx(8_000)


def test_it_follows_a_link_that_became_slower() -> None:
    rate = LinkRate()
    rate.note(100_000_000, 100.0)
    for _ in range(60):
        rate.note(80_000, 60.0)
    assert rate.bytes_per_second() == pytest.approx(80_000 / 60, rel=0.5)
