"""The DIMSE commands that the receiver needs (PS3.7): what a peer asks for, and the response.

A command is a handful of elements in implicit VR little endian (PS3.7 Section 6.3.1). They are accepted as sent: an
invalid UID concerns only that one instance and is no reason to abort the association with all the others, as
pynetdicom's message classes do.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from io import BytesIO

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, walk
from leapfrog.dicom.encoding import IMPLICIT_LITTLE
from leapfrog.intake.receiver.upper_layer import AbortReason, ProtocolViolation

COMMAND_GROUP_LENGTH = 0x0000
AFFECTED_SOP_CLASS_UID = 0x0002
REQUESTED_SOP_CLASS_UID = 0x0003
COMMAND_FIELD = 0x0100
MESSAGE_ID = 0x0110
MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
COMMAND_DATA_SET_TYPE = 0x0800
STATUS = 0x0900
AFFECTED_SOP_INSTANCE_UID = 0x1000
REQUESTED_SOP_INSTANCE_UID = 0x1001
EVENT_TYPE_ID = 0x1002
ACTION_TYPE_ID = 0x1008
LAST_COMMAND_TAG = 0xFFFF  # all are of group 0000
MOST_ELEMENTS = 64  # each costs time; the longest command of PS3.7 Annex E has about 15

HAS_DATA_SET = 0x0001
NO_DATA_SET = 0x0101
RESPONSE = 0x8000  # set in the command field of every response


class CommandField(IntEnum):
    """PS3.7 Section E.1: the commands that need special treatment."""

    C_STORE = 0x0001
    C_ECHO = 0x0030
    N_EVENT_REPORT = 0x0100
    N_ACTION = 0x0130
    C_CANCEL = 0x0FFF
    N_EVENT_REPORT_RSP = 0x8100


class DimseStatus(IntEnum):
    """PS3.7 Annex C and PS3.4 Table B.2-1: the statuses that the box returns."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110
    NO_SUCH_SOP_INSTANCE = 0x0112
    INVALID_ARGUMENT_VALUE = 0x0115
    NO_SUCH_SOP_CLASS = 0x0118
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    NO_SUCH_EVENT_TYPE = 0x0113
    NO_SUCH_ACTION = 0x0123
    NOT_AUTHORIZED = 0x0124
    UNRECOGNIZED_OPERATION = 0x0211
    RESOURCE_LIMITATION = 0x0213
    OUT_OF_RESOURCES = 0xA700
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS = 0xA900
    CANNOT_UNDERSTAND = 0xC000


@dataclass(frozen=True)
class Command:
    """A request, or a response to one of ours. UIDs are the bytes that were sent, without padding, so that a response
    can repeat them.

    `message_id` of a response is that of the request. `action_type`, `event_type` and `status` are 0 where there is
    none.
    """

    field: int
    message_id: int
    has_data_set: bool
    sop_class_uid: bytes = b""
    sop_instance_uid: bytes = b""
    action_type: int = 0
    event_type: int = 0
    status: int = 0

    @property
    def is_response(self) -> bool:
        """Whether this is a response, perhaps to a request that the box never sent."""
        return bool(self.field & RESPONSE)


def decode_command(encoded: bytes) -> Command:
    """The command set in `encoded`. Raises ProtocolViolation when it contains anything but complete command elements,
    or too many, or lacks the command field or the data set type.
    """
    values: dict[int, bytes] = {}
    try:
        for element in walk(BytesIO(encoded), 0, IMPLICIT_LITTLE, most_elements=MOST_ELEMENTS):
            values[element.tag] = encoded[element.offset : element.end]
    except (DatasetTruncated, DatasetMalformed) as problem:
        raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE) from problem
    if any(tag > LAST_COMMAND_TAG for tag in values):
        raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
    return Command(
        field=_number(values, COMMAND_FIELD),
        message_id=_number(values, MESSAGE_ID, _number(values, MESSAGE_ID_BEING_RESPONDED_TO, missing=0)),
        has_data_set=_number(values, COMMAND_DATA_SET_TYPE) != NO_DATA_SET,
        sop_class_uid=_uid(values, AFFECTED_SOP_CLASS_UID, REQUESTED_SOP_CLASS_UID),
        sop_instance_uid=_uid(values, AFFECTED_SOP_INSTANCE_UID, REQUESTED_SOP_INSTANCE_UID),
        action_type=_number(values, ACTION_TYPE_ID, missing=0),
        event_type=_number(values, EVENT_TYPE_ID, missing=0),
        status=_number(values, STATUS, missing=0),
    )


def _uid(values: dict[int, bytes], affected: int, requested: int) -> bytes:
    """The UID of what a command is about. C-STORE affects it, N-ACTION requests it (PS3.7 Section E.1)."""
    return (values.get(affected) or values.get(requested, b"")).strip(b" \0")


def _number(values: dict[int, bytes], element: int, missing: int | None = None) -> int:
    value = values.get(element, b"")
    if len(value) == 2:
        return int.from_bytes(value, "little")
    if missing is None:
        raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
    return missing


def encode_response(request: Command, status: DimseStatus) -> bytes:
    """The command set of the response to `request`, without a data set."""
    element = IMPLICIT_LITTLE.element
    elements = b""
    if request.sop_class_uid:
        elements += element(AFFECTED_SOP_CLASS_UID, b"UI", request.sop_class_uid)
    elements += element(COMMAND_FIELD, b"US", _short(request.field | RESPONSE))
    elements += element(MESSAGE_ID_BEING_RESPONDED_TO, b"US", _short(request.message_id))
    elements += element(COMMAND_DATA_SET_TYPE, b"US", _short(NO_DATA_SET))
    elements += element(STATUS, b"US", _short(status))
    if request.sop_instance_uid:
        elements += element(AFFECTED_SOP_INSTANCE_UID, b"UI", request.sop_instance_uid)
    return _with_length(elements)


def encode_event_report(message_id: int, event_type: int, sop_class_uid: str, sop_instance_uid: str) -> bytes:
    """The command set of an N-EVENT-REPORT-RQ with a data set (PS3.7 Section 10.3.1)."""
    element = IMPLICIT_LITTLE.element
    return _with_length(
        element(AFFECTED_SOP_CLASS_UID, b"UI", sop_class_uid.encode("ascii"))
        + element(COMMAND_FIELD, b"US", _short(CommandField.N_EVENT_REPORT))
        + element(MESSAGE_ID, b"US", _short(message_id))
        + element(COMMAND_DATA_SET_TYPE, b"US", _short(HAS_DATA_SET))
        + element(AFFECTED_SOP_INSTANCE_UID, b"UI", sop_instance_uid.encode("ascii"))
        + element(EVENT_TYPE_ID, b"US", _short(event_type))
    )


def _with_length(elements: bytes) -> bytes:
    return IMPLICIT_LITTLE.element(COMMAND_GROUP_LENGTH, b"UL", struct.pack("<L", len(elements))) + elements


def _short(number: int) -> bytes:
    return struct.pack("<H", number)
