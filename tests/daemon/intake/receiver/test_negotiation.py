"""Negotiation when an association begins, compared with pynetdicom's encoding and its table of services."""

import contextlib
import struct
import time
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID
from pynetdicom import build_role, sop_class
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
)
from pynetdicom.presentation import build_context
from pynetdicom.service_class import ServiceClass, StorageServiceClass

from leapfrog.dicom.commitment import PUSH_MODEL
from leapfrog.intake.receiver.negotiation import ACCEPTED, MAXIMUM_PDU_BYTES, AssociationRequest, PresentationContext
from leapfrog.intake.receiver.upper_layer import ProtocolViolation

COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"  # never sent; pynetdicom has no service for it

KNOWN_CLASSES = sorted(
    {
        str(uid)
        for name, table in vars(sop_class).items()
        if name.endswith("_CLASSES") and isinstance(table, dict)
        for uid in table.values()
        if isinstance(uid, str) and uid != MEDIA_STORAGE_DIRECTORY
    }
)


def request_pdu(*sop_class_uids: str, calling: str = "MODALITY", roles: Iterable[Any] = ()) -> bytes:
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID("1.2.840.10008.3.1.1.1")
    primitive.calling_ae_title, primitive.called_ae_title = calling, "LEAPFROG"
    contexts = [build_context(uid, EXPLICIT_LITTLE_ENDIAN) for uid in sop_class_uids]
    for number, context in enumerate(contexts):
        context.context_id = 2 * number + 1
    primitive.presentation_context_definition_list = contexts
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = 16384
    implementation.implementation_class_uid = UID("1.2.3.4")
    primitive.user_information = [length, implementation, *roles]
    return bytes(A_ASSOCIATE_RQ(primitive).encode())


def answer_of(request: AssociationRequest) -> A_ASSOCIATE:
    pdu = A_ASSOCIATE_AC()
    pdu.decode(request.accept_pdu())
    return pdu.to_primitive()


def test_the_calling_ae_title_is_shown_without_its_padding() -> None:
    assert AssociationRequest(request_pdu(COMPUTED_RADIOGRAPHY, calling="CR ROOM 1")).calling_ae_title == "CR ROOM 1"


def test_a_title_cannot_write_lines_of_its_own_into_the_log() -> None:
    pdu = request_pdu(COMPUTED_RADIOGRAPHY, calling="CR ROOM 123").replace(b"CR ROOM 123", b"CR\nERR \x1b[2J")
    assert AssociationRequest(pdu).calling_ae_title == "CR?ERR ?[2J"


def accepted(context_id: int, sop_class_uid: str) -> PresentationContext:
    return PresentationContext(context_id, sop_class_uid, EXPLICIT_LITTLE_ENDIAN, ACCEPTED)


def test_the_answer_can_be_read_by_another_implementation() -> None:
    answer = answer_of(AssociationRequest(request_pdu("1.2.840.10008.1.1", COMPUTED_RADIOGRAPHY)))
    assert (answer.calling_ae_title, answer.called_ae_title, answer.result) == ("MODALITY", "LEAPFROG", 0)
    assert answer.maximum_length_received == MAXIMUM_PDU_BYTES
    assert answer.implementation_class_uid is not None
    results = answer.presentation_context_definition_results_list
    assert [(found.context_id, found.result) for found in results] == [(1, 0), (3, 0)]
    assert all(found.transfer_syntax == [EXPLICIT_LITTLE_ENDIAN] for found in results)


def test_as_many_contexts_as_there_can_be_are_answered() -> None:
    request = AssociationRequest(request_pdu(*[COMPUTED_RADIOGRAPHY] * 128))
    assert request.contexts()[255] == accepted(255, COMPUTED_RADIOGRAPHY)
    assert len(answer_of(request).presentation_context_definition_results_list) == 128


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


MANY_CONTEXTS = item(0x20, b"\x09") * 100_000
MANY_SYNTAXES = item(0x20, b"\x07\0\0\0" + item(0x40, b"") * 16_000) * 4
MUCH_INFORMATION = item(0x50, item(0x52, b"") * 16_000) * 4


@pytest.mark.parametrize("added", [MANY_CONTEXTS, MANY_SYNTAXES, MUCH_INFORMATION])
def test_what_no_machine_asks_for_costs_no_time(added: bytes) -> None:
    """Tens of milliseconds without bounds, or hundreds, in which no other association gets on."""
    began = time.thread_time()
    with contextlib.suppress(ProtocolViolation):
        AssociationRequest(request_pdu(COMPUTED_RADIOGRAPHY) + added)
    assert time.thread_time() - began < 0.012


def test_more_contexts_than_there_are_ids_are_a_violation() -> None:
    with pytest.raises(ProtocolViolation):
        AssociationRequest(request_pdu(COMPUTED_RADIOGRAPHY) + item(0x20, b"\x09") * 128)


@pytest.mark.parametrize("uid", KNOWN_CLASSES)
def test_storage_its_commitment_and_echo_are_served_and_no_other_service(uid: str) -> None:
    storage = sop_class.uid_to_service_class(uid) in (StorageServiceClass, ServiceClass)
    served = bool(AssociationRequest(request_pdu(uid)).contexts())
    assert served == (storage or uid in ("1.2.840.10008.1.1", "1.2.840.10008.1.20.1"))


@pytest.mark.parametrize("uid", ["1.2.840.10008.5.1.4.1.1.999.1", "1.3.12.2.1107.5.9.1", "2.25.7"])
def test_storage_classes_that_nobody_knows_yet_are_served(uid: str) -> None:
    assert AssociationRequest(request_pdu(uid)).contexts() == {1: accepted(1, uid)}


ONE, OTHER = b"1.2.840.10008.5.1.4.1.1.1\0", b"1.2.840.10008.1.2\0"
ABSTRACT, TRANSFER = b"\x30\0\0\x1a" + ONE, b"\x40\0\0\x12" + OTHER


@pytest.mark.parametrize(
    ("context", "result"),
    [
        (b"\x07\0\0\0" + ABSTRACT, 4),  # no transfer syntax
        (b"\x07\0\0\0" + TRANSFER, 3),  # no abstract syntax
        (b"\x07\0\0\0" + ABSTRACT + ABSTRACT + TRANSFER, 3),
        (b"\x07\0\0\0\x30\0\0\x051.a.3" + TRANSFER, 3),  # not a UID
        (b"\x07\0\0\0\x30\0\0\0" + TRANSFER, 3),  # an empty one
        (b"\x07\0\0\0" + ABSTRACT + b"\x40\0\0\x03x.y", 4),
        (b"\x07\0\0\0\x30\0\xff\xff1.2.3", 2),  # longer than what holds it
        (b"\x07\0\0\0" + ABSTRACT + TRANSFER + b"\x40\0", 2),  # a torn header
        (b"\x07\0", 3),
        (b"\x07\0\0\0\x30\0\0\x82" + b"1." * 64 + b"10" + TRANSFER, 3),  # longer than any UID
    ],
)
def test_a_malformed_context_among_good_ones_is_refused_alone(context: bytes, result: int) -> None:
    request = AssociationRequest(amid_good_ones(context))
    assert request.contexts() == {1: accepted(1, COMPUTED_RADIOGRAPHY), 9: accepted(9, COMPUTED_RADIOGRAPHY)}
    answers = answer_of(request).presentation_context_definition_results_list
    assert [(answer.context_id, answer.result) for answer in answers] == [(1, 0), (7, result), (9, 0)]


@pytest.mark.parametrize(
    "context",
    [
        b"\x04\0\0\0" + ABSTRACT + TRANSFER,  # an even id
        b"\x07\0\0\0" + ABSTRACT + b"\x40\0\0\x03x.y" + TRANSFER,  # a transfer syntax that is none
        b"\x07\0\0\0" + ABSTRACT + b"\x77\0\0\x03abc" + TRANSFER,  # an unknown item
    ],
)
def test_a_context_that_dcmtk_takes_is_taken(context: bytes) -> None:
    request = AssociationRequest(amid_good_ones(context))
    assert list(request.contexts()) == [1, context[0], 9]
    assert request.contexts()[context[0]].transfer_syntax_uid == "1.2.840.10008.1.2"


def test_a_context_without_an_id_is_passed_over_and_of_two_with_the_same_the_first_counts() -> None:
    assert list(AssociationRequest(amid_good_ones(b"")).contexts()) == [1, 9]
    request = AssociationRequest(amid_good_ones(b"\x01\0\0\0" + ABSTRACT + TRANSFER))
    assert request.contexts()[1] == accepted(1, COMPUTED_RADIOGRAPHY)
    assert len(answer_of(request).presentation_context_definition_results_list) == 2


def amid_good_ones(context: bytes) -> bytes:
    """A request whose contexts 1 and 9 are good, with `context` between them."""
    good = b"\x30\0\0\x19" + COMPUTED_RADIOGRAPHY.encode() + b"\x40\0\0\x13" + EXPLICIT_LITTLE_ENDIAN.encode()
    last = b"\x09\0\0\0" + good
    return request_pdu(COMPUTED_RADIOGRAPHY) + b"".join(
        struct.pack(">BxH", 0x20, len(item)) + item for item in (context, last)
    )


@pytest.mark.parametrize("torn", [b"\x20\0\xff\xff\x01\0", b"\x20\0"])
def test_an_item_that_is_longer_than_the_request_is_a_violation(torn: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        AssociationRequest(request_pdu(COMPUTED_RADIOGRAPHY) + torn)


def test_a_request_of_another_protocol_version_is_a_violation() -> None:
    pdu = bytearray(request_pdu(COMPUTED_RADIOGRAPHY))
    pdu[6:8] = b"\x00\x02"
    with pytest.raises(ProtocolViolation):
        AssociationRequest(bytes(pdu))


@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 400))
def test_whatever_comes_the_answer_is_a_request_or_a_violation(position: int, value: int, cut: int) -> None:
    pdu = bytearray(request_pdu("1.2.840.10008.1.1", COMPUTED_RADIOGRAPHY))
    pdu[position % len(pdu)] = value
    try:
        request = AssociationRequest(bytes(pdu[: len(pdu) - cut % 40]))
    except ProtocolViolation:
        return
    assert request.accept_pdu()[0] == 2
    assert len(request.contexts()) <= 2


@pytest.mark.parametrize("roles", [(False, True), (True, True), (True, False)])
def test_an_archive_that_calls_back_gets_the_role_that_it_asks_for(roles: tuple[bool, bool]) -> None:
    role = build_role(PUSH_MODEL, scu_role=roles[0], scp_role=roles[1])
    (answered,) = [
        item
        for item in answer_of(AssociationRequest(request_pdu(PUSH_MODEL, roles=(role,)))).user_information
        if isinstance(item, SCP_SCU_RoleSelectionNegotiation)
    ]
    assert (answered.sop_class_uid, answered.scu_role, answered.scp_role) == (PUSH_MODEL, *roles)


def test_no_other_role_is_answered() -> None:
    role = build_role(COMPUTED_RADIOGRAPHY, scp_role=True)
    request = AssociationRequest(request_pdu(COMPUTED_RADIOGRAPHY, roles=(role,)))
    assert not [
        item for item in answer_of(request).user_information if isinstance(item, SCP_SCU_RoleSelectionNegotiation)
    ]
