"""What archives have stored and are to promise: only what was asked is answered, and a promise stands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.dicom.commitment import Reference
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.handed_over import MOST_NOT_TAKEN, MOST_QUESTIONS, HandedOver, HandedOvers
from support.courier_box import CourierBox, courier_box


@pytest.fixture
def box(tmp_path: Path) -> Iterator[CourierBox]:
    with courier_box(tmp_path / "state") as box:
        yield box


def handed_over(box: CourierBox) -> tuple[HandedOvers, DeliveryRecord, Reference]:
    delivery, table = box.owe(), HandedOvers(box.journal)
    table.stored(delivery)
    return table, delivery, Reference(delivery.sop_class_uid, delivery.sop_instance_uid)


def test_what_was_stored_is_asked_about_once(box: CourierBox) -> None:
    table, delivery, reference = handed_over(box)
    assert table.to_ask("archive", 10) == {delivery.id: reference}
    table.ask("2.25.1", [delivery.id])
    assert table.to_ask("archive", 10) == {} and table.open_questions("archive") == ["2.25.1"]
    assert table.destination_of("2.25.1") == "archive" and table.destination_of("2.25.2") is None


def test_a_promise_is_noted_and_makes_the_delivery_due(box: CourierBox) -> None:
    table, delivery, reference = handed_over(box)
    table.ask("2.25.1", [delivery.id])
    box.journal.change("UPDATE deliveries SET failures = 1, due_at = 1e9")
    assert table.answered("2.25.1", [reference], []) == 1
    assert table.get(delivery.id) == HandedOver("kept")
    assert box.journal.count("deliveries WHERE due_at = 0") == 1
    assert table.destination_of("2.25.1") is None


def test_a_later_refusal_does_not_take_a_promise_back(box: CourierBox) -> None:
    table, delivery, reference = handed_over(box)
    table.ask("2.25.1", [delivery.id])
    table.ask_again("2.25.1")
    table.ask("2.25.2", [delivery.id])
    table.answered("2.25.1", [reference], [])
    table.answered("2.25.2", [], [(reference, 0x0112)])
    assert table.get(delivery.id) == HandedOver("kept")


def test_what_is_not_kept_is_counted(box: CourierBox) -> None:
    table, delivery, reference = handed_over(box)
    for number in range(3):
        table.ask(f"2.25.{number}", [delivery.id])
        table.answered(f"2.25.{number}", [], [(reference, 0x0110)])
        assert table.get(delivery.id) == HandedOver("not_kept", 0x0110, number + 1)
        table.stored(delivery)  # sent again


def test_what_was_never_asked_is_not_answered(box: CourierBox) -> None:
    table, delivery, reference = handed_over(box)
    assert table.answered("2.25.1", [reference], []) == 0
    table.ask("2.25.2", [delivery.id])
    assert table.answered("2.25.2", [Reference("1.2.3", reference.sop_instance_uid)], []) == 0
    assert table.get(delivery.id) == HandedOver("asked")


def test_questions_without_an_answer_do_not_pile_up(box: CourierBox) -> None:
    table, delivery, _ = handed_over(box)
    for number in range(3 * MOST_QUESTIONS):
        table.ask(f"2.25.{number}", [delivery.id])
        table.ask_again(f"2.25.{number}")
    assert box.journal.count("asked_promises") <= MOST_QUESTIONS


def test_questions_that_the_archive_does_not_take_do_not_pile_up(box: CourierBox) -> None:
    delivery, handed_over = box.owe(), HandedOvers(box.journal)
    handed_over.stored(delivery)
    for number in range(50):
        handed_over.ask(f"1.2.{number}", [delivery.id])
        handed_over.not_asked(f"1.2.{number}")
        assert list(handed_over.to_ask(delivery.destination, 10)) == [delivery.id]
    assert len(box.journal.rows("SELECT * FROM asked_promises")) < MOST_NOT_TAKEN


def test_a_delivery_that_has_ended_needs_no_promise(box: CourierBox) -> None:
    table, delivery, _ = handed_over(box)
    table.ask("2.25.1", [delivery.id])
    box.deliveries.refuse(delivery.id, "a reason")
    assert table.get(delivery.id) is None and box.journal.count("asked_promises") == 0
