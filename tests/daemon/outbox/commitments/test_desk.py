"""When what is verified, who is called, and how old a report may be."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.dicom.commitment import CommitmentReport, CommitmentRequest, Reference
from leapfrog.intake.receiver.peer_log import PeerLog
from leapfrog.outbox.commitments.desk import (
    FAILURES_TOLD,
    FRESH_SECONDS,
    GIVE_UP_SECONDS,
    KEPT_SECONDS,
    STRANGERS_SECONDS,
    CommitmentDesk,
)
from leapfrog.outbox.pacing.backoff import Backoff
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
        self.changes = 0
        self.commitments = Commitments(journal)
        self.start_again()

    def start_again(self) -> None:
        self.desk = CommitmentDesk(
            self.commitments,
            [FILMROOM],
            self.note_change,
            PeerLog(logging.getLogger(__name__), lambda: self.now),
            backoff=Backoff(first_seconds=20.0, cap_seconds=3600.0),
            monotonic=lambda: self.now,
        )
        self.desk.catch_up()

    def note_change(self) -> None:
        self.changes += 1

    def ask(self, transaction: str = "2.25.9", ae_title: str = "FILMROOM", address: str = "192.0.2.7") -> str:
        return self.desk.request(ae_title, address, CommitmentRequest(transaction, (REFERENCE,)))

    def ask_and_leave(self, transaction: str = "2.25.9", **peer: str) -> str:
        asked = self.ask(transaction, **peer)
        self.desk.association_ended(asked)
        return asked

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


def test_the_oldest_is_verified_first(desk: Desk) -> None:
    first, second = desk.ask("2.25.1"), desk.ask("2.25.2")
    assert desk.to_verify() == [first, second]


def test_once_the_first_was_told_or_given_up_the_verifier_learns_that_it_is_the_turn_of_the_next(desk: Desk) -> None:
    first, second = desk.ask_and_leave("2.25.1"), desk.ask_and_leave("2.25.2")
    desk.desk.verified(first, REPORT)
    assert desk.to_verify() == []
    before = desk.changes
    desk.desk.reported(first)
    assert (desk.changes > before, desk.to_verify()) == (True, [second])
    before = desk.changes
    desk.now += GIVE_UP_SECONDS + 1
    desk.desk.count_waiting()
    assert (desk.changes > before, desk.to_verify()) == (True, [])


def test_an_association_is_not_told_what_was_true_long_ago(desk: Desk) -> None:
    asked = desk.ask()
    desk.desk.verified(asked, REPORT)
    assert FRESH_SECONDS - 1 < desk.desk.seconds_until_verification() <= FRESH_SECONDS
    desk.now += FRESH_SECONDS + 1
    assert (desk.desk.ready(asked), desk.to_verify()) == (None, [asked])
    desk.desk.verified(asked, REPORT)
    assert desk.desk.ready(asked) == REPORT


def test_whoever_only_calls_himself_like_a_modality_does_not_have_it_called(desk: Desk) -> None:
    desk.ask_and_leave(address="192.0.2.66")
    assert (desk.to_verify(), desk.to_call()) == ([], None)
    (problem,) = desk.desk.problems()
    assert "FILMROOM at 192.0.2.66" in problem.what and "192.0.2.7" in problem.what


def test_a_modality_is_called_once_in_a_while_however_much_it_asked(desk: Desk) -> None:
    first, second = desk.ask_and_leave("2.25.1"), desk.ask_and_leave("2.25.2")
    assert desk.to_verify() == [first], "no file is read for what is not called next"
    desk.desk.verified(first, REPORT)
    desk.desk.failed(first, "It cannot be reached.")
    assert (desk.to_verify(), desk.to_call()) == ([], None)
    desk.now += 21
    assert desk.to_verify() == [second]
    desk.desk.verified(second, REPORT)
    assert desk.to_call() == second, "a report that is never taken does not keep the others back"
    desk.desk.reported(second)
    assert desk.to_call() == first


def test_strangers_make_few_lines_and_none_in_the_worklist(desk: Desk) -> None:
    for number in range(30):
        desk.ask_and_leave(f"2.25.{number}", ae_title=f"NURSE CALL {number}")
    failing = desk.ask_and_leave("2.25.99")
    for _ in range(FAILURES_TOLD):
        desk.desk.failed(failing, "It cannot be reached.")
    problems = desk.desk.problems()
    assert [problem.in_worklist for problem in problems] == [False] * 5
    assert "27 other AE titles" in problems[3].what


def test_what_peers_do_makes_few_lines_in_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for number in range(90):
        desk.desk.answered(desk.ask(f"2.25.{number}"), 0x0000)
        desk.desk.failed(desk.ask(f"2.26.{number}"), "It cannot be reached.")
        desk.desk.refused("FILMROOM", "192.0.2.7", "It is odd.")
    assert len(caplog.messages) == 1
    desk.now += 61
    desk.desk.flush_log()
    assert "449 more lines" in caplog.messages[-1]


def test_a_request_reads_and_writes_nothing_of_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        desk.ask_and_leave(f"2.25.{number}", ae_title="ULTRASOUND")
    monkeypatch.setattr(desk.commitments, "waiting", None)
    monkeypatch.setattr(desk.commitments, "waited", None)
    desk.ask("2.25.9")
    desk.now += 600
    desk.desk.catch_up()
    desk.desk.count_waiting()


def test_a_stranger_is_given_up_sooner_and_at_last_forgotten(desk: Desk) -> None:
    desk.ask_and_leave("2.25.1", ae_title="ULTRASOUND")
    desk.ask_and_leave("2.25.2")
    desk.now += STRANGERS_SECONDS + 1
    desk.desk.count_waiting()
    assert [one.ae_title for one in desk.commitments.given_up()] == ["ULTRASOUND"]
    for _ in range(2):
        desk.now += (GIVE_UP_SECONDS + KEPT_SECONDS) / 2
        desk.desk.count_waiting()
    assert "ULTRASOUND" not in [one.ae_title for one in desk.commitments.given_up()]


def test_a_restart_calls_at_once_and_knows_how_often_it_failed(desk: Desk) -> None:
    asked = desk.ask()
    for _ in range(FAILURES_TOLD):
        desk.desk.failed(asked, "It cannot be reached.")
    desk.start_again()
    assert desk.to_verify() == [asked]
    (problem,) = desk.desk.problems()
    assert "It cannot be reached." in problem.what


def test_the_week_counts_while_the_box_runs_and_over_restarts(desk: Desk) -> None:
    desk.ask()
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
