"""What the two sides agree on when an association begins (PS3.8 Section 7.1, encoded as in Sections 9.3.2 and 9.3.3).

This is our own code because pynetdicom imports all of pydicom's pixel handlers: a second at each start, and 45 MB.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from leapfrog.dicom.commitment import PUSH_MODEL
from leapfrog.dicom.encoding import Encoding
from leapfrog.dicom.uids import (
    DEFLATED_SYNTAXES,
    EXPLICIT_BIG_ENDIAN,
    EXPLICIT_LITTLE_ENDIAN,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    IMPLICIT_LITTLE_ENDIAN,
    VERIFICATION,
    is_storage_class,
    is_valid_uid,
)
from leapfrog.intake.receiver.upper_layer import PDU_HEADER, AbortReason, PduType, ProtocolViolation

# Larger ones gain nothing (measured), and DCMTK never sends more than 128 KiB.
MAXIMUM_PDU_BYTES = 256 * 1024
APPLICATION_CONTEXT_NAME = b"1.2.840.10008.3.1.1.1"

# Protocol version, called and calling AE title, 32 reserved bytes: the same in the request and in the response.
FIXED_FIELDS = struct.Struct(">H2x16s16s32s")
ITEM_HEADER = struct.Struct(">BxH")
PROTOCOL_VERSION = 1

APPLICATION_CONTEXT_ITEM = 0x10
REQUESTED_CONTEXT_ITEM = 0x20
ANSWERED_CONTEXT_ITEM = 0x21
ABSTRACT_SYNTAX_ITEM = 0x30
TRANSFER_SYNTAX_ITEM = 0x40
USER_INFORMATION_ITEM = 0x50
MAXIMUM_LENGTH_ITEM = 0x51
IMPLEMENTATION_CLASS_UID_ITEM = 0x52
ROLE_SELECTION_ITEM = 0x54
IMPLEMENTATION_VERSION_NAME_ITEM = 0x55

# Each item costs time of the one processor that all associations share, so that there are bounds. A presentation
# context has an odd id of one byte (PS3.8 Table 9-13), and there are about 60 transfer syntaxes (PS3.6 Table A-1). The
# user information may have three items for each SOP class (PS3.7 Annex D.3.3).
MOST_CONTEXTS = 128
MOST_ITEMS = MOST_CONTEXTS + 32
MOST_CONTEXT_ITEMS = 80
MOST_USER_INFORMATION_ITEMS = 3 * MOST_CONTEXTS + 32

ACCEPTED = 0
NO_REASON = 2
ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
TRANSFER_SYNTAXES_NOT_SUPPORTED = 4

# Uncompressed before compressed, as Orthanc and DCMTK choose: a machine that offers both in one context might otherwise
# compress images just for us. Machines that cannot decompress offer only their own syntax.
PREFERRED_SYNTAXES = (EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN)

# Besides storage. Of storage commitment the box is the SCP, which is the default role of who is called (PS3.4 J.3.3),
# and the SCU for an archive that calls back: that one asks for the other role.
OTHER_SERVICES = (VERIFICATION, PUSH_MODEL)


@dataclass(frozen=True)
class PresentationContext:
    """A requested presentation context with our answer to it, `result` (PS3.8 Table 9-18)."""

    context_id: int
    sop_class_uid: str
    transfer_syntax_uid: str
    result: int

    @property
    def encoding(self) -> Encoding:
        """How elements are encoded in this context, by its transfer syntax."""
        return Encoding(
            explicit=self.transfer_syntax_uid != IMPLICIT_LITTLE_ENDIAN,
            little_endian=self.transfer_syntax_uid != EXPLICIT_BIG_ENDIAN,
        )

    @property
    def is_storage(self) -> bool:
        """Whether instances may be sent in this context."""
        return self.sop_class_uid not in OTHER_SERVICES


class AssociationRequest:
    """A peer's request for an association."""

    def __init__(self, pdu: bytes) -> None:
        """Decode the A-ASSOCIATE-RQ `pdu`. Raises ProtocolViolation when it is not one."""
        body = pdu[PDU_HEADER.size :]
        if len(body) < FIXED_FIELDS.size:
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
        version, self._called, self._calling, self._reserved = FIXED_FIELDS.unpack_from(body)
        if not version & PROTOCOL_VERSION:
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
        items = list(_items(body[FIXED_FIELDS.size :], MOST_ITEMS))
        information = dict(items).get(USER_INFORMATION_ITEM, b"")
        self.maximum_pdu_bytes = _maximum_length(information)
        self._roles = _roles(information)
        self._answers = _answers([value for kind, value in items if kind == REQUESTED_CONTEXT_ITEM])

    @property
    def calling_ae_title(self) -> str:
        """The name that the peer gives itself: a label, not a proof."""
        text = self._calling.decode("ascii", "replace").strip(" \0")
        return "".join(letter if letter.isprintable() else "?" for letter in text)

    def contexts(self) -> dict[int, PresentationContext]:
        """The accepted presentation contexts by their id."""
        return {answer.context_id: answer for answer in self._answers if answer.result == ACCEPTED}

    def accept_pdu(self) -> bytes:
        """The A-ASSOCIATE-AC that accepts it.

        Roles of storage commitment are accepted as they are asked for (PS3.7 Section D.3.3.4). Other roles, user
        identities and asynchronous operations get no reply, which means the defaults (PS3.7 Annex D).
        """
        fixed = FIXED_FIELDS.pack(PROTOCOL_VERSION, self._called, self._calling, self._reserved)
        information = (
            _item(MAXIMUM_LENGTH_ITEM, struct.pack(">L", MAXIMUM_PDU_BYTES))
            + _item(IMPLEMENTATION_CLASS_UID_ITEM, IMPLEMENTATION_CLASS_UID.encode())
            + self._roles
            + _item(IMPLEMENTATION_VERSION_NAME_ITEM, IMPLEMENTATION_VERSION_NAME.encode())
        )
        body = (
            fixed
            + _item(APPLICATION_CONTEXT_ITEM, APPLICATION_CONTEXT_NAME)
            + b"".join(_answered_item(answer) for answer in self._answers)
            + _item(USER_INFORMATION_ITEM, information)
        )
        return PDU_HEADER.pack(PduType.ASSOCIATE_AC, len(body)) + body


def _answers(requested: list[bytes]) -> tuple[PresentationContext, ...]:
    """The answer to each presentation context. Raises ProtocolViolation when there are more than there can be."""
    if len(requested) > MOST_CONTEXTS:
        raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
    # One too short for an id cannot be answered; of two with the same id the first counts, as with DCMTK.
    by_id = {value[0]: value for value in reversed(requested) if value}
    return tuple(_answer(value) for value in reversed(by_id.values()))


def _items(encoded: bytes, most: int) -> Iterator[tuple[int, bytes]]:
    """Type and value of each item. Raises ProtocolViolation when one is longer than the data, or there are more than
    `most`.
    """
    position = count = 0
    while position < len(encoded):
        count += 1
        if count > most or position + ITEM_HEADER.size > len(encoded):
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
        kind, length = ITEM_HEADER.unpack_from(encoded, position)
        position += ITEM_HEADER.size
        if position + length > len(encoded):
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
        yield kind, encoded[position : position + length]
        position += length


def _maximum_length(user_information: bytes) -> int:
    """The longest PDU that the peer takes, without its header (PS3.8 Section D.1); 0 for any, or where it cannot be
    understood.
    """
    with suppress(ProtocolViolation):
        for kind, value in _items(user_information, MOST_USER_INFORMATION_ITEMS):
            if kind == MAXIMUM_LENGTH_ITEM and len(value) == 4:
                return int.from_bytes(value, "big")
    return 0


def _roles(user_information: bytes) -> bytes:
    """The first role selection for storage commitment, as it is answered: as it was asked for. b"" if there is none."""
    with suppress(ProtocolViolation):
        for kind, value in _items(user_information, MOST_USER_INFORMATION_ITEMS):
            uid = value[2:-2].rstrip(b"\0")
            if kind == ROLE_SELECTION_ITEM and uid == PUSH_MODEL.encode() and len(value) == len(value[2:-2]) + 4:
                return _item(ROLE_SELECTION_ITEM, value)
    return b""


def _item(kind: int, value: bytes) -> bytes:
    return ITEM_HEADER.pack(kind, len(value)) + value


def _answered_item(answer: PresentationContext) -> bytes:
    header = struct.pack(">BxBx", answer.context_id, answer.result)
    syntax = _item(TRANSFER_SYNTAX_ITEM, answer.transfer_syntax_uid.encode("ascii"))
    return _item(ANSWERED_CONTEXT_ITEM, header + syntax)


def _answer(requested: bytes) -> PresentationContext:
    """Accept or reject a requested presentation context (PS3.8 Table 9-13).

    A malformed one is rejected alone, so that a machine with one odd context among good ones can send. As DCMTK and
    Orthanc do, an even id is taken, and transfer syntaxes that are no UIDs are passed over.
    """
    context_id = requested[0]
    try:
        values = list(_items(requested[4:], MOST_CONTEXT_ITEMS))
    except ProtocolViolation:
        return PresentationContext(context_id, "", IMPLICIT_LITTLE_ENDIAN, NO_REASON)
    abstract_syntaxes = [_uid(value) for kind, value in values if kind == ABSTRACT_SYNTAX_ITEM]
    offered = [uid for kind, value in values if kind == TRANSFER_SYNTAX_ITEM and (uid := _uid(value))]
    usable = sorted((uid for uid in offered if uid not in DEFLATED_SYNTAXES), key=_preference)
    if len(abstract_syntaxes) != 1 or not abstract_syntaxes[0] or not _is_served(abstract_syntaxes[0]):
        result = ABSTRACT_SYNTAX_NOT_SUPPORTED
    else:
        result = ACCEPTED if usable else TRANSFER_SYNTAXES_NOT_SUPPORTED
    # The transfer syntax of a rejected context says nothing (PS3.8 Table 9-18).
    transfer_syntax = (*usable, *offered, IMPLICIT_LITTLE_ENDIAN)[0]
    return PresentationContext(context_id, (*abstract_syntaxes, "")[0], transfer_syntax, result)


def _uid(value: bytes) -> str:
    """The UID in `value`, '' if there is none."""
    uid = value.decode("ascii", "replace").strip(" \0")
    return uid if is_valid_uid(uid) else ""


def _preference(transfer_syntax: str) -> int:
    if transfer_syntax in PREFERRED_SYNTAXES:
        return PREFERRED_SYNTAXES.index(transfer_syntax)
    return len(PREFERRED_SYNTAXES) + (transfer_syntax == EXPLICIT_BIG_ENDIAN)


def _is_served(abstract_syntax: str) -> bool:
    """Whether the receiver offers this SOP class."""
    return abstract_syntax in OTHER_SERVICES or is_storage_class(abstract_syntax)
