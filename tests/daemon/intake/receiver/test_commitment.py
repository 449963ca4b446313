"""Storage commitment with a modality that keeps its association open, and with requests that are none."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.uid import ImplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from pynetdicom.dsutils import encode

from leapfrog.intake.receiver import commitment
from leapfrog.outbox.commitments import desk
from leapfrog.state.commitments import ROOM_OF_STRANGERS
from support.certificates import make_certificate
from support.commitment_box import CommitmentBox, make_commitment_box, new_images, store_images
from support.dcmtk import echo
from support.modality import PUSH_MODEL, PUSH_MODEL_INSTANCE, Modality, Told, action_information
from support.raw_peer import EXPLICIT_LITTLE_ENDIAN, P_DATA, RELEASE_RP, RawPeer
from support.waiting import wait_until

SUCCESS, INVALID_ARGUMENT, NO_SUCH_INSTANCE, NO_SUCH_ACTION, RESOURCE_LIMITATION = (
    0x0000,
    0x0115,
    0x0112,
    0x0123,
    0x0213,
)
UNKNOWN = (SecondaryCaptureImageStorage, "2.25.404")
OTHER = (SecondaryCaptureImageStorage, "2.25.405")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[CommitmentBox]:
    with make_commitment_box(tmp_path / "state") as made:
        yield made


def told(box: CommitmentBox, modality: Modality, count: int = 1) -> list[Told]:
    """The reports that a modality took, once the box knows that it did."""
    wait_until(lambda: len(modality.told) >= count, f"{count} reports", deadline_seconds=60)
    wait_until(lambda: modality.ae_title not in {one.ae_title for one in box.commitments.waiting()}, "it to be noted")
    return modality.told


def action_command() -> bytes:
    """An N-ACTION-RQ command set (PS3.7 Table 10.3-7)."""
    parts = [
        (0x0003, PUSH_MODEL.encode()),
        (0x0100, struct.pack("<H", 0x0130)),
        (0x0110, struct.pack("<H", 7)),
        (0x0800, struct.pack("<H", 1)),
        (0x1001, PUSH_MODEL_INSTANCE.encode()),
        (0x1008, struct.pack("<H", 1)),
    ]
    encoded = b""
    for number, value in parts:
        padded = value + b"\0" * (len(value) % 2)
        encoded += struct.pack("<HHL", 0, number, len(padded)) + padded
    return struct.pack("<HHLL", 0, 0, 4, len(encoded)) + encoded


@pytest.mark.parametrize(
    ("syntaxes", "proposes_role"), [([ImplicitVRLittleEndian], False), ([EXPLICIT_LITTLE_ENDIAN], True)]
)
def test_the_report_comes_over_the_association_that_asked(
    box: CommitmentBox, syntaxes: list[str], proposes_role: bool
) -> None:
    modality = Modality()
    stored = store_images(box.port, modality, *new_images(3))
    association = modality.associate(box.port, syntaxes=syntaxes, proposes_role=proposes_role)
    status, transaction = modality.ask(association, [*stored, UNKNOWN])
    assert status == SUCCESS
    (report,) = told(box, modality)
    assert report == Told(2, transaction, tuple(stored), {UNKNOWN: 0x0112}, same_association=True)
    assert box.commitments.counts() == {"waiting": 0, "given_up": 0, "reported": 1}
    assert modality.ask(association, stored)[0] == SUCCESS, "and the association goes on"
    assert told(box, modality, 2)[1].event_type == 1
    association.release()


def test_the_report_comes_over_tls_too(tmp_path: Path) -> None:
    server = make_certificate(tmp_path, "server")
    with make_commitment_box(tmp_path / "state", tls_certificate=server.certificate, tls_key=server.key) as box:
        modality = Modality()
        association = modality.associate(box.port, trusted=server.certificate)
        assert (
            modality.ask(association, [(UNKNOWN[0], f"2.25.{10**30 + number}") for number in range(500)])[0] == SUCCESS
        )
        (report,) = told(box, modality)
        assert (report.event_type, report.same_association) == (2, True)
        association.release()


def test_ten_thousand_references_are_answered_and_others_are_served_meanwhile(box: CommitmentBox) -> None:
    modality, other = Modality(), Modality("ULTRASOUND")
    stored = store_images(box.port, other, *new_images(1))
    many = [(SecondaryCaptureImageStorage, f"2.25.{10**30 + number}") for number in range(10_000)]
    association, others = modality.associate(box.port), other.associate(box.port)
    assert modality.ask(association, many)[0] == SUCCESS
    assert other.ask(others, stored)[0] == SUCCESS
    assert told(box, other)[0].kept == tuple(stored)
    assert echo(box.port)
    (report,) = told(box, modality)
    assert (report.event_type, len(report.failed), set(report.failed.values())) == (2, 10_000, {0x0112})
    others.release()
    association.release()


def test_what_is_asked_wrongly_is_refused_at_once_and_leaves_nothing(box: CommitmentBox) -> None:
    modality = Modality()
    association = modality.associate(box.port)
    assert modality.ask(association, [])[0] == INVALID_ARGUMENT
    assert modality.ask(association, [(UNKNOWN[0], "")])[0] == INVALID_ARGUMENT
    assert modality.ask(association, [UNKNOWN], action_type=2)[0] == NO_SUCH_ACTION
    assert modality.ask(association, [UNKNOWN], instance_uid="2.25.5")[0] == NO_SUCH_INSTANCE
    assert box.commitments.counts() == {"waiting": 0, "given_up": 0, "reported": 0}
    association.release()


def test_a_transaction_in_use_takes_no_other_instances_but_the_same_ones_again(box: CommitmentBox) -> None:
    modality = Modality()
    asked = modality.associate(box.port)
    transaction = str(generate_uid())
    box.verifier.stop()  # so that it stays in use
    assert modality.ask(asked, [UNKNOWN], transaction)[0] == SUCCESS
    assert modality.ask(asked, [UNKNOWN, OTHER], transaction)[0] == INVALID_ARGUMENT
    assert modality.ask(asked, [UNKNOWN], transaction)[0] == SUCCESS
    others = Modality("ULTRASOUND").associate(box.port)
    assert Modality("ULTRASOUND").ask(others, [UNKNOWN, OTHER], transaction)[0] == SUCCESS, "it is another machine's"
    assert [one.named_count for one in box.commitments.waiting()] == [1, 2]
    asked.release()
    others.release()


def test_nobody_fills_the_journal_with_requests(box: CommitmentBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "ROOM_OF_STRANGERS", replace(ROOM_OF_STRANGERS, named_of_address=2))
    box.verifier.stop()
    modality = Modality()
    association = modality.associate(box.port)
    assert modality.ask(association, [UNKNOWN, OTHER])[0] == SUCCESS
    assert modality.ask(association, [UNKNOWN])[0] == RESOURCE_LIMITATION
    assert len(box.commitments.waiting()) == 1
    association.release()


def test_a_machine_that_does_not_answer_the_report_is_told_another_way(
    box: CommitmentBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commitment, "ANSWER_SECONDS", 0.5)
    with RawPeer(box.port) as peer:
        peer.associate((PUSH_MODEL, [EXPLICIT_LITTLE_ENDIAN]))
        information = encode(action_information([UNKNOWN], "2.25.7"), False, True)
        assert information is not None
        assert peer.store(action_command(), information) == SUCCESS
        assert [peer.receive()[0], peer.receive()[0]] == [P_DATA, P_DATA], "the report: command and data set"
        wait_until(box.desk.problems, "the box to know that it was not taken")
        assert len(box.commitments.waiting()) == 1
        assert peer.release() == RELEASE_RP, "and the association goes on"


def test_a_data_set_without_end_is_read_and_refused(box: CommitmentBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commitment, "LONGEST_REQUEST_BYTES", 50_000)
    with RawPeer(box.port) as peer:
        peer.associate((PUSH_MODEL, [EXPLICIT_LITTLE_ENDIAN]))
        assert peer.store(action_command(), b"\0" * 100_000) == RESOURCE_LIMITATION
        assert peer.release() == RELEASE_RP
