"""A walk over the elements of a DICOM data set (PS3.5 Section 7) that skips values and never recurses.

It copes with hundreds of nested sequences, absurd lengths and truncated files. pydicom recurses once per nested
sequence and quotes values, so patients' data, in its warnings.
"""

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from leapfrog.dicom.encoding import (
    ITEM,
    ITEM_DELIMITATION,
    LONG_VALUE_REPRESENTATIONS,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    is_value_representation,
)
from leapfrog.dicom.uids import EXPLICIT_BIG_ENDIAN
from leapfrog.errors import LeapfrogError

HEADER_BYTES = 8
LONG_HEADER_BYTES = 12
ITEM_GROUP = ITEM >> 16
FIRST_VR, LAST_VR = b"AA", b"ZZ"  # anything between them is taken for a VR, as pydicom does
MAXIMUM_NESTING = 1000  # sequences within sequences; real objects have fewer than 20
MOST_ELEMENTS = 200_000  # in one walk, half a second's work: a file full of empty elements must not hold up others


class DatasetTruncated(LeapfrogError):
    """The data set ends in the middle of an element."""


class DatasetMalformed(LeapfrogError):
    """The data set does not consist of DICOM elements, or has more of them than any real one."""


class Element(NamedTuple):
    """An element: its header begins at byte `start` of the file, its value at `offset`, the next element at `end`.

    `vr` is b"" where the file has none. `length` is None if it is undefined (PS3.5 7.1.1); `end` is then right only
    after a walk has gone through the element.
    """

    tag: int
    vr: bytes
    start: int
    offset: int
    length: int | None
    end: int


class ElementReader:
    """Reads the header of one element at a time."""

    def __init__(self, stream: BinaryIO, *, little_endian: bool = True) -> None:
        """Nothing is read yet. Each read moves the position of `stream`."""
        order = "<" if little_endian else ">"
        self._stream = stream
        self._tag = struct.Struct(order + "HH").unpack_from
        self._short = struct.Struct(order + "H").unpack_from
        self._long = struct.Struct(order + "L").unpack_from

    def read(self, start: int, *, explicit: bool) -> Element:
        """The element at byte `start`. In explicit VR, an element whose VR is not letters is read as implicit, since
        some writers switch, and one with an unknown VR as having a short length. Raises DatasetTruncated if the header
        is incomplete.
        """
        self._stream.seek(start)
        header = self._stream.read(LONG_HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            raise DatasetTruncated("The data set ends in the middle of an element's header.")
        group, number = self._tag(header)
        tag, vr = group << 16 | number, header[4:6]
        if not explicit or group == ITEM_GROUP or not FIRST_VR <= vr <= LAST_VR:
            return _element(tag, b"", start, HEADER_BYTES, self._long(header, 4)[0])
        if vr not in LONG_VALUE_REPRESENTATIONS:
            return _element(tag, vr, start, HEADER_BYTES, self._short(header, 6)[0])
        if len(header) < LONG_HEADER_BYTES:
            raise DatasetTruncated("The data set ends in the middle of an element's header.")
        return _element(tag, vr, start, LONG_HEADER_BYTES, self._long(header, 8)[0])


def _element(tag: int, vr: bytes, start: int, header_bytes: int, length: int) -> Element:
    offset = start + header_bytes
    if length == UNDEFINED_LENGTH:
        return Element(tag, vr, start, offset, None, offset)
    return Element(tag, vr, start, offset, length, offset + length)


def actual_encoding(stream: BinaryIO, offset: int, transfer_syntax_uid: str) -> Encoding:
    """How the data set at `offset` is really encoded. Some machines declare explicit VR and write implicit VR, or the
    other way round, so the first element decides.
    """
    stream.seek(offset)
    first_element = stream.read(HEADER_BYTES)
    return Encoding(
        explicit=is_value_representation(first_element[4:6]),
        little_endian=transfer_syntax_uid != EXPLICIT_BIG_ENDIAN,
    )


def walk(
    stream: BinaryIO,
    offset: int,
    encoding: Encoding,
    until: Callable[[int], bool] = lambda _tag: False,
    most_elements: int = MOST_ELEMENTS,
) -> Iterator[Element]:
    """The top-level elements of the data set from byte `offset` on, each as soon as it is known to be complete.

    The walk ends with the first element for whose tag `until` is true, which may be incomplete. Raises DatasetTruncated
    if the file ends in the middle of an element or before `offset`, DatasetMalformed if the bytes cannot be elements or
    if there are more than `most_elements`, counting nested ones.
    """
    end = _end_behind(stream, offset)
    reader = ElementReader(stream, little_endian=encoding.little_endian)
    open_encodings: list[bool] = []  # for each open sequence or item: whether its surroundings are in explicit VR
    outermost: Element | None = None
    explicit = encoding.explicit
    for _ in range(most_elements):
        if offset >= end and not open_encodings:
            return
        element = reader.read(offset, explicit=explicit)
        offset = element.offset
        if not open_encodings and until(element.tag):
            yield element
            return
        if element.tag in (ITEM_DELIMITATION, SEQUENCE_DELIMITATION):
            if not open_encodings:
                raise DatasetMalformed("A delimiter closes a sequence or item that was not open.")
            explicit = open_encodings.pop()
            if outermost is not None and not open_encodings:
                yield outermost._replace(end=offset)
        elif element.length is None:
            if not open_encodings:
                outermost = element
            open_encodings.append(explicit)
            # PS3.5 Section 6.2.2: a sequence stored as UN has implicit VR inside.
            explicit = explicit and element.vr != b"UN"
            if len(open_encodings) > MAXIMUM_NESTING:
                raise DatasetMalformed("Sequences are nested too deeply.")
        elif element.end > end:
            raise _overrun(element, explicit=explicit)
        else:
            if not open_encodings:
                yield element
            offset = element.end
    raise DatasetMalformed("The data set has too many elements.")


def _end_behind(stream: BinaryIO, offset: int) -> int:
    """Where the file ends. Raises DatasetTruncated if that is before `offset`, where the data set should begin."""
    end = stream.seek(0, 2)
    if offset > end:
        raise DatasetTruncated("The file ends before its data set begins.")
    return end


def _overrun(element: Element, *, explicit: bool) -> DatasetTruncated | DatasetMalformed:
    """Whether a file with an element that reaches beyond its end is truncated or no data set."""
    if explicit and not element.vr and element.tag != ITEM:
        return DatasetMalformed("An element has no VR and an impossible length.")
    return DatasetTruncated("The data set ends in the middle of a value.")


def fragments(stream: BinaryIO, offset: int) -> Iterator[Element]:
    """The items of encapsulated pixels, the first of which begins at byte `offset` (PS3.5 Annex A.4).

    A missing end marker is accepted if the file ends with a complete item. Raises DatasetTruncated if the file ends in
    the middle of one, DatasetMalformed for anything that is not an item.
    """
    end = stream.seek(0, 2)
    reader = ElementReader(stream)
    while offset + HEADER_BYTES <= end:
        item = reader.read(offset, explicit=False)
        if item.tag == SEQUENCE_DELIMITATION:
            return
        if item.tag != ITEM or item.length is None:
            raise DatasetMalformed("The pixels are not a sequence of items.")
        if item.end > end:
            raise DatasetTruncated("The pixels end in the middle of an item.")
        yield item
        offset = item.end
