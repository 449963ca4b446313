"""A data set in Explicit VR Little Endian as Implicit VR Little Endian (PS3.5 Annex A.1), which any archive must take.

Values stay the bytes that they are; only headers change, and sequences and items become such of undefined length, so
that nothing has to be read twice. A value is passed on in pieces, whatever its length.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from leapfrog.dicom.elements import (
    MAXIMUM_NESTING,
    MOST_ELEMENTS,
    DatasetMalformed,
    DatasetTruncated,
    Element,
    ElementReader,
    walk,
)
from leapfrog.dicom.encoding import (
    EXPLICIT_LITTLE,
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
)


class _Open(NamedTuple):
    """A sequence or an item that is being passed on: the tag of its delimiter, and where it ends, if that is known."""

    delimiter: int
    end: int | None


def implicit_pieces(stream: BinaryIO, offset: int, piece_bytes: int) -> Iterator[bytes]:
    """The data set that begins at byte `offset` of `stream`, in pieces of about `piece_bytes`. Group lengths, which are
    retired and would be wrong, are left out.

    Raises DatasetTruncated or DatasetMalformed where it is no data set in Explicit VR Little Endian, or a compressed
    one; then what came before is of no use.
    """
    gathered = bytearray()
    for part in _parts(stream, offset, piece_bytes):
        gathered += part
        if len(gathered) >= piece_bytes:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def _parts(stream: BinaryIO, position: int, piece_bytes: int) -> Iterator[bytes]:
    size = stream.seek(0, 2)
    reader = ElementReader(stream)
    around: list[_Open] = []
    for _ in range(MOST_ELEMENTS):
        while around and around[-1].end is not None and position >= around[-1].end:
            yield _header(around.pop().delimiter, 0)
        if position >= size and not around:
            return
        element = reader.read(position, explicit=True)
        if element.end > size:
            raise DatasetTruncated("The data set ends in the middle of a value.")
        position = element.offset
        if element.tag in (ITEM_DELIMITATION, SEQUENCE_DELIMITATION):
            if not around or around[-1] != _Open(element.tag, None):
                raise DatasetMalformed("A delimiter closes a sequence or item that was not open.")
            yield _header(around.pop().delimiter, 0)
        elif element.tag == ITEM or element.vr == b"SQ":
            around.append(_opened(element, around))
            yield _header(element.tag, UNDEFINED_LENGTH)
        else:
            position = _end_of(stream, element)
            if element.tag & 0xFFFF:
                yield _header(element.tag, UNDEFINED_LENGTH if element.length is None else element.length)
                yield from _copied(stream, element.offset, position, piece_bytes)
    raise DatasetMalformed("The data set has too many elements.")


def _opened(element: Element, around: list[_Open]) -> _Open:
    in_sequence = bool(around) and around[-1].delimiter == SEQUENCE_DELIMITATION
    if in_sequence != (element.tag == ITEM) or len(around) > MAXIMUM_NESTING:
        raise DatasetMalformed("An item is not where one belongs.")
    delimiter = ITEM_DELIMITATION if element.tag == ITEM else SEQUENCE_DELIMITATION
    return _Open(delimiter, None if element.length is None else element.end)


def _end_of(stream: BinaryIO, element: Element) -> int:
    """Where the value ends. Inside a value of unknown representation (UN) and undefined length, everything is implicit
    already (PS3.5 Section 6.2.2), so that it is passed on as it is.
    """
    if element.length is not None:
        return element.end
    if element.vr != b"UN":
        raise DatasetMalformed("The pixels are compressed.")
    return next(walk(stream, element.start, EXPLICIT_LITTLE)).end


def _copied(stream: BinaryIO, start: int, end: int, piece_bytes: int) -> Iterator[bytes]:
    stream.seek(start)
    while start < end and (piece := stream.read(min(piece_bytes, end - start))):
        start += len(piece)
        yield piece


def _header(tag: int, length: int) -> bytes:
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, length)
