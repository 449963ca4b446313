"""The data sets of storage commitment (PS3.4 Annex J, Push Model): what is asked for, and what is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from io import BytesIO

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, Element, actual_encoding, walk
from leapfrog.dicom.encoding import ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, Encoding
from leapfrog.errors import LeapfrogError

PUSH_MODEL = "1.2.840.10008.1.20.1"  # the SOP class
PUSH_MODEL_INSTANCE = "1.2.840.10008.1.20.1.1"  # its only instance, which is well known (PS3.4 Section J.3.5)

REFERENCED_SOP_CLASS_UID = 0x00081150
REFERENCED_SOP_INSTANCE_UID = 0x00081155
TRANSACTION_UID = 0x00081195
FAILURE_REASON = 0x00081197
FAILED_SOP_SEQUENCE = 0x00081198
REFERENCED_SOP_SEQUENCE = 0x00081199

MOST_REFERENCES = 50_000  # in one request; the largest CT exam has some thousand images
MOST_ELEMENTS = 5 * MOST_REFERENCES  # each is an item with two elements, perhaps with delimiters
LONGEST_UID = 64  # characters (PS3.5 Section 9.1)


class FailureReason(IntEnum):
    """Failure Reason (0008,1197) for one instance (PS3.3 Section C.14.1.1)."""

    PROCESSING_FAILURE = 0x0110
    NO_SUCH_OBJECT_INSTANCE = 0x0112
    CLASS_INSTANCE_CONFLICT = 0x0119
    REFERENCED_SOP_CLASS_NOT_SUPPORTED = 0x0122


class RequestInvalid(LeapfrogError):
    """A request for storage commitment that cannot be understood, or that lacks something."""


class ReportInvalid(LeapfrogError):
    """A report of storage commitment that cannot be understood, or that lacks something."""


class TooManyReferences(LeapfrogError):
    """A request for storage commitment of more instances than are taken at once."""


@dataclass(frozen=True)
class Reference:
    """One instance, as the modality names it."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class CommitmentRequest:
    """The Action Information of an N-ACTION (PS3.4 Table J.3-1): is each of these kept? Each is there once, however
    often it was named, so that no file is read twice.
    """

    transaction_uid: str
    references: tuple[Reference, ...]


@dataclass(frozen=True)
class ReceivedReport:
    """The Event Information of an N-EVENT-REPORT that came here: what is kept, and what is not, each with the number of
    its Failure Reason, 0 where it has none. What stands in both is in both.
    """

    transaction_uid: str
    kept: tuple[Reference, ...]
    failed: tuple[tuple[Reference, int], ...]


@dataclass(frozen=True)
class CommitmentReport:
    """The Event Information of an N-EVENT-REPORT (PS3.4 Table J.3-2): every reference of a request, `kept` or
    `failed`.
    """

    transaction_uid: str
    kept: tuple[Reference, ...]
    failed: tuple[tuple[Reference, FailureReason], ...]

    @property
    def event_type(self) -> int:
        """Event Type ID: 1 for a request that is granted whole, 2 where failures exist."""
        return 2 if self.failed else 1


def decode_request(content: bytes, transfer_syntax_uid: str) -> CommitmentRequest:
    """The request in a data set. Raises RequestInvalid when it is not one, TooManyReferences."""
    try:
        return _request(content, actual_encoding(BytesIO(content), 0, transfer_syntax_uid))
    except (DatasetTruncated, DatasetMalformed) as problem:
        raise RequestInvalid(f"The data set cannot be understood: {problem}") from problem


def _request(content: bytes, encoding: Encoding) -> CommitmentRequest:
    elements = _elements(content, encoding)
    sequence = elements.get(REFERENCED_SOP_SEQUENCE)
    if sequence is None:
        raise RequestInvalid("It has no Referenced SOP Sequence.")
    inside = _encoding_inside(sequence, encoding)
    items = _items(_value(content, sequence), inside)
    references = tuple(dict.fromkeys(_reference(item, inside) for item in items))
    if not references:
        raise RequestInvalid("Its Referenced SOP Sequence is empty.")
    return CommitmentRequest(_uid(content, elements, TRANSACTION_UID), references)


def decode_report(content: bytes, transfer_syntax_uid: str) -> ReceivedReport:
    """The report in a data set. Raises ReportInvalid when it is not one, TooManyReferences."""
    try:
        encoding = actual_encoding(BytesIO(content), 0, transfer_syntax_uid)
        elements = _elements(content, encoding)
        kept = tuple(
            _reference(item, inside) for item, inside in _items_of(content, elements, REFERENCED_SOP_SEQUENCE, encoding)
        )
        failed = tuple(
            (_reference(item, inside), _failure_reason(item, inside))
            for item, inside in _items_of(content, elements, FAILED_SOP_SEQUENCE, encoding)
        )
        return ReceivedReport(_uid(content, elements, TRANSACTION_UID), kept, failed)
    except (DatasetTruncated, DatasetMalformed, RequestInvalid) as problem:
        raise ReportInvalid(f"The data set cannot be understood: {problem}") from problem


def _items_of(
    content: bytes, elements: dict[int, Element], tag: int, encoding: Encoding
) -> Iterator[tuple[bytes, Encoding]]:
    """The items of a sequence that may be missing, each with how it is encoded."""
    sequence = elements.get(tag)
    if sequence is not None:
        inside = _encoding_inside(sequence, encoding)
        yield from ((item, inside) for item in _items(_value(content, sequence), inside))


def _encoding_inside(sequence: Element, encoding: Encoding) -> Encoding:
    """PS3.5 Section 6.2.2: a sequence stored as UN has implicit VR inside."""
    return Encoding(encoding.explicit and sequence.vr != b"UN", encoding.little_endian)


def _failure_reason(item: bytes, encoding: Encoding) -> int:
    element = _elements(item, encoding).get(FAILURE_REASON)
    value = _value(item, element) if element is not None else b""
    return int.from_bytes(value, "little" if encoding.little_endian else "big") if len(value) == 2 else 0


def _elements(content: bytes, encoding: Encoding) -> dict[int, Element]:
    found = walk(BytesIO(content), 0, encoding, lambda tag: tag == ITEM_DELIMITATION, MOST_ELEMENTS)
    return {element.tag: element for element in found if element.tag != ITEM_DELIMITATION}


def _items(sequence: bytes, encoding: Encoding) -> list[bytes]:
    items: list[bytes] = []
    for element in walk(BytesIO(sequence), 0, encoding, lambda tag: tag == SEQUENCE_DELIMITATION, MOST_ELEMENTS):
        if element.tag == SEQUENCE_DELIMITATION:
            break
        if element.tag != ITEM:
            raise RequestInvalid("Its Referenced SOP Sequence consists of something else than items.")
        if len(items) == MOST_REFERENCES:
            raise TooManyReferences(f"It names more than {MOST_REFERENCES} instances.")
        items.append(_value(sequence, element))
    return items


def _reference(item: bytes, encoding: Encoding) -> Reference:
    elements = _elements(item, encoding)
    return Reference(
        _uid(item, elements, REFERENCED_SOP_CLASS_UID),
        _uid(item, elements, REFERENCED_SOP_INSTANCE_UID),
    )


def _value(content: bytes, element: Element) -> bytes:
    return content[element.offset : element.end]


def _uid(content: bytes, elements: dict[int, Element], tag: int) -> str:
    """A UID that must be there. Its letters are not checked: an instance with an odd UID is kept all the same."""
    value = _value(content, elements[tag]).strip(b" \0") if tag in elements else b""
    if not value or len(value) > LONGEST_UID or not value.isascii():
        raise RequestInvalid(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is missing or no UID.")
    return value.decode("ascii")


def encode_report(report: CommitmentReport, encoding: Encoding) -> bytes:
    """The data set of a report. A sequence without items is left out, as Table J.3-2 wants it."""
    encoded = encoding.element(TRANSACTION_UID, b"UI", report.transaction_uid.encode("ascii"))
    # In the order of their tags.
    if report.failed:
        failed = b"".join(_encoded_item(reference, encoding, reason) for reference, reason in report.failed)
        encoded += encoding.element(FAILED_SOP_SEQUENCE, b"SQ", failed)
    if report.kept:
        kept = b"".join(_encoded_item(reference, encoding) for reference in report.kept)
        encoded += encoding.element(REFERENCED_SOP_SEQUENCE, b"SQ", kept)
    return encoded


def _encoded_item(reference: Reference, encoding: Encoding, reason: FailureReason | None = None) -> bytes:
    value = encoding.element(REFERENCED_SOP_CLASS_UID, b"UI", reference.sop_class_uid.encode("ascii"))
    value += encoding.element(REFERENCED_SOP_INSTANCE_UID, b"UI", reference.sop_instance_uid.encode("ascii"))
    if reason is not None:
        number = reason.to_bytes(2, "little" if encoding.little_endian else "big")
        value += encoding.element(FAILURE_REASON, b"US", number)
    return encoding.item(value)
