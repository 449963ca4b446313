"""A walk over the elements of a DICOM data set (PS3.5 Section 7) that skips values and never recurses.

Hundreds of nested sequences, absurd lengths and torn ends cost it nothing. pydicom recurses once per nested sequence
and puts values, so patients, into its warnings.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from leapfrog.dicom.dataset_digest import EXPLICIT_BIG_ENDIAN
from leapfrog.errors import LeapfrogError

UNDEFINED_LENGTH = 0xFFFFFFFF
ITEM_GROUP = 0xFFFE
ITEM_DELIMITATION = 0xFFFEE00D
SEQUENCE_DELIMITATION = 0xFFFEE0DD
# PS3.5 Section 7.1.2: in explicit VR these have two reserved bytes and a length of 32 bits.
LONG_VALUE_REPRESENTATIONS = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
MAXIMUM_NESTING = 1000  # sequences within sequences; real objects have fewer than 20
MAXIMUM_ELEMENTS = 200_000  # of one walk, half a second's work: a file made of empty elements must not hold up others


class DatasetTruncated(LeapfrogError):
    """The data set ends in the middle of an element."""


class DatasetMalformed(LeapfrogError):
    """The data set is not a sequence of DICOM elements, or is more of them than anything real."""


@dataclass(frozen=True)
class Encoding:
    """How the elements of a data set are written."""

    explicit: bool
    little_endian: bool


@dataclass(frozen=True, slots=True)
class Element:
    """A top-level element; its value begins at byte `offset`. `length` is None when it is undefined (PS3.5 7.1.1)."""

    tag: int
    offset: int
    length: int | None


def actual_encoding(stream: BinaryIO, offset: int, transfer_syntax_uid: str) -> Encoding:
    """How the data set at `offset` is written. Some machines declare explicit VR and write implicit VR, or the other
    way round, so its first element is believed.
    """
    stream.seek(offset)
    first_element = stream.read(8)
    return Encoding(
        explicit=_is_value_representation(first_element[4:6]),
        little_endian=transfer_syntax_uid != EXPLICIT_BIG_ENDIAN,
    )


def walk(stream: BinaryIO, offset: int, encoding: Encoding) -> Iterator[Element]:
    """The top-level elements of the data set from byte `offset` on, each once it is known to be whole.

    Raises DatasetTruncated when the file ends within an element, DatasetMalformed when the bytes cannot be elements.
    """
    end = stream.seek(0, 2)
    headers = _HeaderReader(stream, encoding)
    open_encodings: list[bool] = []  # for each open sequence or item: whether what is around it is in explicit VR
    outermost: Element | None = None
    explicit = encoding.explicit
    for _ in range(MAXIMUM_ELEMENTS):
        if offset >= end and not open_encodings:
            return
        tag, representation, length, offset = headers.read(offset, explicit)
        if tag in (ITEM_DELIMITATION, SEQUENCE_DELIMITATION):
            if not open_encodings:
                raise DatasetMalformed("A delimiter closes what was not open.")
            explicit = open_encodings.pop()
            if outermost is not None and not open_encodings:
                yield outermost
        elif length == UNDEFINED_LENGTH:
            if not open_encodings:
                outermost = Element(tag, offset, None)
            open_encodings.append(explicit)
            # PS3.5 Section 6.2.2: what was stored as UN is in implicit VR inside.
            explicit = explicit and representation != b"UN"
            if len(open_encodings) > MAXIMUM_NESTING:
                raise DatasetMalformed("Sequences are nested too deeply.")
        elif offset + length > end:
            raise DatasetTruncated("The data set ends within a value.")
        else:
            if not open_encodings:
                yield Element(tag, offset, length)
            offset += length
    raise DatasetMalformed("The data set has too many elements.")


class _HeaderReader:
    """Reads the header of one element: tag, VR, length."""

    def __init__(self, stream: BinaryIO, encoding: Encoding) -> None:
        order = "<" if encoding.little_endian else ">"
        self._stream = stream
        self._tag = struct.Struct(order + "HH").unpack_from
        self._short = struct.Struct(order + "H").unpack_from
        self._long = struct.Struct(order + "L").unpack_from

    def read(self, offset: int, explicit: bool) -> tuple[int, bytes, int, int]:
        """Tag, VR (b'' in implicit VR), length, and where the value of the element at `offset` begins."""
        self._stream.seek(offset)
        header = self._stream.read(12)
        if len(header) < 8:
            raise DatasetTruncated("The data set ends within the header of an element.")
        group, number = self._tag(header)
        tag = group << 16 | number
        if not explicit or group == ITEM_GROUP:
            return tag, b"", self._long(header, 4)[0], offset + 8
        representation = header[4:6]
        if representation in LONG_VALUE_REPRESENTATIONS:
            if len(header) < 12:
                raise DatasetTruncated("The data set ends within the header of an element.")
            return tag, representation, self._long(header, 8)[0], offset + 12
        if not _is_value_representation(representation):
            raise DatasetMalformed("An element has no value representation.")
        return tag, representation, self._short(header, 6)[0], offset + 8


def _is_value_representation(letters: bytes) -> bool:
    return len(letters) == 2 and letters.isalpha() and letters.isupper()
