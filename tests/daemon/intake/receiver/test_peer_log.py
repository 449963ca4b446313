"""One line a minute for each address."""

import logging

import pytest

from leapfrog.intake.receiver.peer_log import LINE_SECONDS, MOST_ADDRESSES, PeerLog

SECOND_LOOK = 1.0


class Now:
    """Time that a test moves on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def log(now: Now, caplog: pytest.LogCaptureFixture) -> PeerLog:
    caplog.set_level(logging.INFO)
    return PeerLog(logging.getLogger("peers"), now)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_an_address_has_one_line_a_minute_and_the_count_of_the_others(
    log: PeerLog, now: Now, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(500):
        log.write("192.0.2.66", logging.WARNING, f"event {number}")
        log.flush()
    log.write("192.0.2.1", logging.INFO, "a modality: 100 % of it")
    assert lines(caplog) == ["event 0", "a modality: 100 % of it"]
    now.seconds += LINE_SECONDS + SECOND_LOOK
    log.flush()
    assert lines(caplog)[2:] == ["Of 192.0.2.66, 499 more lines like the last one were left out."]
    log.flush()
    log.write("192.0.2.66", logging.WARNING, "again")
    assert lines(caplog)[3:] == ["again"]


def test_addresses_without_end_share_a_line(log: PeerLog, now: Now, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(10 * MOST_ADDRESSES):
        log.write(f"2001:db8::{number:x}", logging.WARNING, f"event {number}")
    assert len(lines(caplog)) == MOST_ADDRESSES + 1
    now.seconds += LINE_SECONDS + SECOND_LOOK
    log.flush()
    assert (
        lines(caplog)[-1] == f"Of other addresses, {9 * MOST_ADDRESSES - 1} more lines like the last one were left out."
    )
