"""With `commit = true`, an image counts as sent only when the archive has promised to keep it, however it says so;
nobody else can say so.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from leapfrog.intake.receiver.peer_log import PeerLog
from leapfrog.outbox.destinations.dicom.promise_asker import AskTiming
from leapfrog.outbox.destinations.dicom.promise_desk import PromiseDesk
from leapfrog.outbox.outbox import Outbox
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.settings import DestinationSettings, DistrictSettings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.records import DeliveryRecord
from support.archives import made_up_archive
from support.courier_box import CourierBox
from support.intake_box import Box, make_box
from support.orthanc import Orthanc, orthanc_program
from support.outbox_box import QUICK
from support.promising_archive import (
    Question,
    call_back,
    event_information,
    promising_archive,
)
from support.waiting import wait_until

QUICKLY = AskTiming(
    gather_seconds=0.2, wait_seconds=0.6, again_seconds=60.0, window_seconds=0.1, backoff=Backoff(0.2, 0.5)
)


@dataclass
class Sending:
    """A box with a receiver, an outbox that sends to one archive, and who asks it for its promises."""

    intake: Box
    box: CourierBox
    archive: DestinationSettings
    timing: AskTiming = QUICKLY
    port: int = 0
    stops: list[Callable[[], None]] = field(default_factory=list)
    fatal: list[str] = field(default_factory=list)
    desk: PromiseDesk | None = None

    def start(self, *, port: int | None = None) -> None:
        """Begin, or begin again."""
        outbox = Outbox(
            (self.archive,),
            DistrictSettings(),
            self.box.deliveries,
            self.box.spool,
            self.fatal.append,
            QUICK,
            handed_over=lambda: self.desk.wake() if self.desk else None,
        )
        self.desk = PromiseDesk(
            (self.archive,),
            "LEAPFROG",
            self.box.journal,
            outbox.wake,
            outbox.may_send,
            PeerLog(logging.getLogger(__name__)),
            self.timing,
        )
        self.intake.promises = self.desk
        receiver, self.port = self.intake.receiver(**({"port": port} if port else {}))
        outbox.start()
        self.desk.start()
        self.stops = [receiver.stop, self.desk.stop, outbox.stop]

    def stop(self) -> None:
        for stop in self.stops:
            stop()
        self.stops = []

    def owe(self) -> DeliveryRecord:
        return self.box.owe()

    def state(self, delivery: DeliveryRecord) -> str:
        return self.box.again(delivery).state

    def wait_for(self, delivery: DeliveryRecord, state: str) -> None:
        wait_until(lambda: self.state(delivery) == state, f"the delivery is {state}", deadline_seconds=15.0)


@contextmanager
def sending(directory: Path, port: int, *, timing: AskTiming = QUICKLY, ae_title: str = "ARCHIVE") -> Iterator[Sending]:
    directory.mkdir(exist_ok=True)
    intake = make_box(directory)
    archive = DestinationSettings.model_validate(
        {
            "name": "archive",
            "kind": "dicom",
            "host": "127.0.0.1",
            "port": port,
            "ae_title": ae_title,
            "commit": True,
        }
    )
    box = CourierBox(intake.journal, intake.spool, Deliveries(intake.journal))
    one = Sending(intake, box, archive, timing)
    try:
        yield one
    finally:
        one.stop()
        for stop in reversed(intake.stops):
            stop()
        intake.journal.close()
    assert one.fatal == []


def answer_at_once(question: Question) -> None:
    """Over the association that asked."""
    import threading

    def report() -> None:
        question.association.send_n_event_report(
            event_information(question.transaction_uid, question.pairs),
            1,
            "1.2.840.10008.1.20.1",
            "1.2.840.10008.1.20.1.1",
        )

    threading.Timer(0.1, report).start()


def test_a_promise_over_the_association_that_asked_confirms(tmp_path: Path) -> None:
    with promising_archive(answer_at_once) as archive, sending(tmp_path / "state", archive.port) as box:
        delivery = box.owe()
        box.start()
        box.wait_for(delivery, "confirmed")
        assert len(archive.questions) == 1
        assert archive.archive.held() == {delivery.sop_instance_uid: 1}


def test_several_images_are_asked_about_at_once(tmp_path: Path) -> None:
    with promising_archive(answer_at_once) as archive, sending(tmp_path / "state", archive.port) as box:
        deliveries = [box.owe() for _ in range(4)]
        box.start()
        for delivery in deliveries:
            box.wait_for(delivery, "confirmed")
        assert sum(len(question.pairs) for question in archive.questions) == 4
        assert len(archive.questions) <= 2


@pytest.mark.parametrize("role", [True, False])
def test_a_promise_that_the_archive_calls_back_with_confirms_also_after_a_restart(tmp_path: Path, role: bool) -> None:
    with promising_archive() as archive, sending(tmp_path / "state", archive.port) as box:
        delivery = box.owe()
        box.start()
        wait_until(lambda: bool(archive.questions), "the archive is asked")
        assert box.state(delivery) == "waiting"
        box.stop()
        box.start()
        (question,) = archive.questions
        assert call_back(box.port, event_information(question.transaction_uid, question.pairs), role=role) == 0x0000
        box.wait_for(delivery, "confirmed")
        assert archive.archive.held() == {delivery.sop_instance_uid: 1}  # it was not sent again


def test_what_the_archive_does_not_hold_is_sent_again(tmp_path: Path) -> None:
    with promising_archive() as archive, sending(tmp_path / "state", archive.port) as box:
        delivery = box.owe()
        box.start()
        wait_until(lambda: bool(archive.questions), "the archive is asked")
        question = archive.questions[0]
        failed = event_information(question.transaction_uid, [], {question.pairs[0]: 0x0112})
        assert call_back(box.port, failed, event_type=2) == 0x0000
        wait_until(lambda: len(archive.questions) == 2, "it is asked again, once it was sent again")
        assert archive.archive.held() == {delivery.sop_instance_uid: 2}
        question = archive.questions[1]
        call_back(box.port, event_information(question.transaction_uid, question.pairs))
        box.wait_for(delivery, "confirmed")


@pytest.mark.parametrize("reason", [0x0119, 0x0122])
def test_what_it_will_never_promise_is_on_hold_with_a_reason(tmp_path: Path, reason: int) -> None:
    with promising_archive() as archive, sending(tmp_path / "state", archive.port) as box:
        delivery = box.owe()
        box.start()
        wait_until(lambda: bool(archive.questions), "the archive is asked")
        question = archive.questions[0]
        call_back(box.port, event_information(question.transaction_uid, [], {question.pairs[0]: reason}), event_type=2)
        box.wait_for(delivery, "refused")
        assert "set commit = false" in box.box.again(delivery).last_error


def test_an_archive_that_never_answers_is_asked_again_and_its_first_answer_still_counts(tmp_path: Path) -> None:
    timing = AskTiming(gather_seconds=0.1, wait_seconds=0.1, again_seconds=0.6, again_after_start_seconds=0.3)
    with promising_archive() as archive, sending(tmp_path / "state", archive.port, timing=timing) as box:
        delivery = box.owe()
        box.start()
        wait_until(lambda: len(archive.questions) >= 2, "it is asked again")
        first, second = archive.questions[:2]
        assert first.transaction_uid != second.transaction_uid and first.pairs == second.pairs
        assert call_back(box.port, event_information(first.transaction_uid, first.pairs)) == 0x0000
        box.wait_for(delivery, "confirmed")
        assert archive.archive.held() == {delivery.sop_instance_uid: 1}


def test_nobody_but_the_archive_can_promise_anything(tmp_path: Path) -> None:
    with promising_archive() as archive, sending(tmp_path / "state", archive.port) as box:
        delivery, other = box.owe(), generate_uid()
        box.start()
        wait_until(lambda: bool(archive.questions), "the archive is asked")
        question = archive.questions[0]
        (pair,) = question.pairs
        right = event_information(question.transaction_uid, question.pairs)
        foreign = event_information(str(generate_uid()), question.pairs)
        attempts: list[tuple[int, Callable[[], int | None]]] = [
            (0x0124, lambda: call_back(box.port, right, ae_title="STRANGER")),
            (0x0124, lambda: call_back(box.port, right, bind_address="127.0.0.2")),
            (0x0124, lambda: call_back(box.port, foreign, ae_title="STRANGER")),
            (0x0000, lambda: call_back(box.port, foreign)),  # it may repeat an answer: it is told to be content
            (0x0000, lambda: call_back(box.port, event_information(question.transaction_uid, [(pair[0], other)]))),
            (0x0000, lambda: call_back(box.port, event_information(question.transaction_uid, [(other, pair[1])]))),
            (0x0113, lambda: call_back(box.port, right, event_type=3)),
        ]
        for status, attempt in attempts:
            assert attempt() == status
        assert box.state(delivery) == "waiting"
        assert call_back(box.port, right) == 0x0000
        box.wait_for(delivery, "confirmed")


def test_what_stands_in_both_lists_is_not_kept(tmp_path: Path) -> None:
    with promising_archive() as archive, sending(tmp_path / "state", archive.port) as box:
        delivery = box.owe()
        box.start()
        wait_until(lambda: bool(archive.questions), "the archive is asked")
        question = archive.questions[0]
        both = event_information(question.transaction_uid, question.pairs, {question.pairs[0]: 0x0110})
        assert call_back(box.port, both, event_type=2) == 0x0000
        wait_until(lambda: len(archive.questions) == 2, "it was sent and is asked about again")
        assert box.state(delivery) == "waiting"


def test_an_answer_that_comes_twice_counts_once(tmp_path: Path) -> None:
    with promising_archive() as archive, sending(tmp_path / "state", archive.port) as box:
        delivery = box.owe()
        box.start()
        wait_until(lambda: bool(archive.questions), "the archive is asked")
        question = archive.questions[0]
        kept = event_information(question.transaction_uid, question.pairs)
        failed = event_information(question.transaction_uid, [], {question.pairs[0]: 0x0112})
        assert [call_back(box.port, kept), call_back(box.port, kept), call_back(box.port, failed, event_type=2)] == [
            0
        ] * 3
        box.wait_for(delivery, "confirmed")
        assert archive.archive.held() == {delivery.sop_instance_uid: 1}


def test_an_archive_without_storage_commitment_is_told_of(tmp_path: Path) -> None:
    with made_up_archive() as archive, sending(tmp_path / "state", archive.port) as box:
        delivery = box.owe()
        box.start()
        assert box.desk is not None
        desk = box.desk
        wait_until(lambda: bool(desk.problems()), "somebody is told")
        (problem,) = desk.problems()
        assert "does not offer storage commitment" in problem.remedy and "set commit = false" in problem.remedy
        assert box.state(delivery) == "waiting"
        assert archive.held() == {delivery.sop_instance_uid: 1}


def test_an_archive_that_refuses_the_question_is_asked_again(tmp_path: Path) -> None:
    with promising_archive(answer_at_once) as archive, sending(tmp_path / "state", archive.port) as box:
        archive.status = 0x0110
        delivery = box.owe()
        box.start()
        wait_until(lambda: len(archive.questions) >= 2, "it is asked again")
        archive.status = 0x0000
        box.wait_for(delivery, "confirmed")


def test_one_object_for_which_the_archive_refuses_the_whole_question_holds_up_no_other(tmp_path: Path) -> None:
    with promising_archive(answer_at_once) as archive, sending(tmp_path / "state", archive.port) as box:
        bad, *others = [box.owe() for _ in range(4)]
        archive.status_of = lambda question: (
            0x0110 if bad.sop_instance_uid in {uid for _, uid in question.pairs} else 0x0000
        )
        box.start()
        for one in others:
            box.wait_for(one, "confirmed")
        assert box.state(bad) == "waiting"


@pytest.mark.skipif(orthanc_program() is None, reason="Orthanc is not installed")
def test_orthanc_calls_back_with_its_promise(tmp_path: Path) -> None:
    with (
        Orthanc(tmp_path / "orthanc") as orthanc,
        sending(tmp_path / "state", orthanc.dicom_port, ae_title="DISTRICT") as box,
    ):
        deliveries = [box.owe() for _ in range(3)]
        box.start()
        orthanc.know("box", "LEAPFROG", box.port)
        for delivery in deliveries:
            box.wait_for(delivery, "confirmed")
        assert orthanc.held() == {delivery.sop_instance_uid: 1 for delivery in deliveries}


def test_what_was_handed_over_counts_as_sent_when_no_promise_is_wanted_any_more(box: CourierBox) -> None:
    delivery = box.owe()
    with made_up_archive() as archive:
        assert box.make(box.courier(archive.port, commit=True), delivery).outcome == "handed_over"
        assert box.make(box.courier(archive.port, commit=True), delivery).outcome == "awaited"
        assert box.make(box.courier(archive.port), delivery).outcome == "confirmed"
        assert archive.held() == {delivery.sop_instance_uid: 1}
