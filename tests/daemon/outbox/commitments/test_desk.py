"""When what is verified, who is called, and how old a report may be."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.dicom.commitment import CommitmentReport, CommitmentRequest, Reference
from leapfrog.outbox.backoff import Backoff
from leapfrog.outbox.commitments.desk import FAILURES_TOLD, FRESH_SECONDS, GIVE_UP_SECONDS, CommitmentDesk
from leapfrog.settings import ModalitySettings
from leapfrog.state.commitments import Commitments
from leapfrog.state.journal import Journal

REFERENCE = Reference("1.2.840.10008.5.1.4.1.1.1", "2.25.1")
FILMROOM = ModalitySettings(ae_title="FILMROOM", host="192.0.2.7", port=104)
REPORT = CommitmentReport("2.25.9", (REFERENCE,), ())
DAY = 24 * 3600.0


class Desk:
    """A desk whose clock the test sets."""

    def __init__(self, journal: Journal) -> None:
        self.now = 100.0
        self.commitments = Commitments(journal)
        self.start_again()

    def start_again(self) -> None:
        self.desk = CommitmentDesk(
            self.commitments,
            [FILMROOM],
            lambda: None,
            backoff=Backoff(first_seconds=20.0, cap_seconds=3600.0),
            monotonic=lambda: self.now,
        )
        self.desk.catch_up()

    def ask(self, transaction: str = "2.25.9", ae_title: str = "FILMROOM", count: int = 1) -> str:
        return self.desk.request(ae_title, "192.0.2.7", CommitmentRequest(transaction, (REFERENCE,) * count))

    def to_verify(self) -> list[str]:
        return [one.id for one in self.desk.to_verify()]

    def to_call(self) -> str | None:
        call = self.desk.next_call()
        return call.commitment.id if call else None


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield Desk(journal)
    journal.close()


def test_an_association_that_is_open_is_told_and_nobody_is_called(desk: Desk) -> None:
    asked = desk.ask()
    assert desk.desk.ready(asked) is None
    desk.desk.verified(asked, REPORT)
    assert (desk.desk.ready(asked), desk.to_call()) == (REPORT, None)
    desk.desk.answered(asked, 0x0000)
    assert desk.commitments.counts() == {"waiting": 0, "given_up": 0, "reported": 1}


def test_when_the_association_ends_the_modality_is_called(desk: Desk) -> None:
    asked = desk.ask()
    desk.desk.verified(asked, REPORT)
    desk.desk.association_ended(asked)
    assert (desk.desk.ready(asked), desk.to_call()) == (None, asked)


def test_a_report_that_was_verified_long_ago_is_verified_again_before_it_is_sent(desk: Desk) -> None:
    asked = desk.ask()
    desk.desk.verified(asked, REPORT)
    desk.desk.association_ended(asked)
    desk.now += FRESH_SECONDS + 1
    assert (desk.to_call(), desk.to_verify()) == (None, [asked])
    desk.desk.verified(asked, REPORT)
    assert (desk.to_call(), desk.to_verify()) == (asked, [])


def test_after_a_failed_call_it_waits_twice_as_long_each_time(desk: Desk) -> None:
    asked = desk.ask()
    desk.desk.association_ended(asked)
    waits = []
    for _ in range(12):
        desk.desk.verified(asked, REPORT)
        assert desk.to_call() == asked
        desk.desk.failed(asked, "It cannot be reached.")
        assert desk.to_call() is None
        waits.append(min(desk.desk.seconds_until_call(), desk.desk.seconds_until_verification()))
        desk.now += waits[-1] + 0.001
    assert 15 <= waits[0] <= 20 and 30 <= waits[1] <= 40
    assert max(waits) <= 3600


def test_small_requests_are_verified_before_large_ones(desk: Desk) -> None:
    large, small = desk.ask("2.25.1", count=500), desk.ask("2.25.2")
    assert desk.to_verify() == [small, large]


def test_a_restart_calls_at_once_and_knows_how_often_it_failed(desk: Desk) -> None:
    asked = desk.ask()
    for _ in range(FAILURES_TOLD):
        desk.desk.failed(asked, "It cannot be reached.")
    desk.start_again()
    assert desk.to_verify() == [asked]
    (problem,) = desk.desk.problems()
    assert "It cannot be reached." in problem.what


def test_the_week_counts_while_the_box_runs_and_over_restarts(desk: Desk) -> None:
    desk.ask(ae_title="ULTRASOUND")
    for _ in range(6):
        desk.now += DAY
        desk.desk.count_waiting()
        desk.start_again()
        desk.now += 1000 * DAY  # the box was off
        desk.start_again()
    assert desk.commitments.counts()["waiting"] == 1
    desk.now += GIVE_UP_SECONDS - 6 * DAY + 1
    desk.desk.count_waiting()
    assert desk.commitments.counts()["given_up"] == 1
    assert desk.desk.problems() == ()


def test_a_modality_that_can_be_told_again_is_told_and_what_it_missed_is_forgotten(desk: Desk) -> None:
    desk.ask("2.25.1")
    desk.now += GIVE_UP_SECONDS + 1
    desk.desk.count_waiting()
    asked = desk.ask("2.25.2")
    assert desk.commitments.counts() == {"waiting": 1, "given_up": 1, "reported": 0}
    desk.desk.answered(asked, 0x0000)
    assert desk.commitments.counts() == {"waiting": 0, "given_up": 0, "reported": 1}


def test_the_same_request_again_is_one_and_begins_anew(desk: Desk) -> None:
    asked = desk.ask()
    desk.desk.verified(asked, REPORT)
    desk.desk.failed(asked, "It cannot be reached.")
    assert desk.ask() == asked
    assert (len(desk.commitments.waiting()), desk.to_verify()) == (1, [asked])
