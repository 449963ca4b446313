"""Every element of a data set, those within sequences too, as events in file order: by these two encodings of one
object are compared, and of these the other one is written.

Strict, unlike the readers that make the best of a damaged file: whatever is odd raises AsItCame.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, Element, ElementReader, walk
from leapfrog.dicom.encoding import ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, Encoding, is_value_representation
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.originals.recoding.value_representations import (
    SEQUENCE,
    UNKNOWN,
    turned_round,
    value_representation,
)

PIXELS = 0x7FE00010
PIXEL_REPRESENTATION = 0x00280103
LENGTH_TO_END = 0x00080001
OFFSET_TABLES = frozenset((0x7FE00001, 0x7FE00002, 0x7FE00003))  # of compressed pixels (PS3.5 Annex A.4)
# What signs other elements, which must then stay in their encoding too (PS3.15 Annex C).
SIGNATURES = frozenset((0x4FFE0001, 0xFFFAFFFA))
MOST_LEVELS = 40
MOST_ELEMENTS = 200_000  # some seconds' work
LONGEST_HEADER = 64 << 20  # bytes of everything but the pixels, which is held in memory

NOT_AS_DICOM = "The file is damaged, or not written as DICOM has it."
IS_SIGNED = "The file has a digital signature, which another encoding would break."


@dataclass(frozen=True)
class Event:
    """A value, the pixels, or where a sequence or an item begins or ends. `value` is in little endian; pixels are not
    read. `open_ended`: without a length, up to a delimiter. `element` is where it stands.
    """

    kind: Literal["value", "pixels", "raw sequence", "sequence", "item", "end of item", "end of sequence"]
    tag: int = 0
    vr: bytes = b""
    value: bytes = b""
    open_ended: bool = False
    element: Element | None = None

    @property
    def statement(self) -> tuple[str, int, bytes, bool]:
        """What it says, however it is encoded."""
        return self.kind, self.tag, self.value, self.open_ended


class DatasetWalk:
    """Walks over one data set, from byte `offset` of `stream` to the end of the file."""

    def __init__(self, stream: BinaryIO, offset: int, encoding: Encoding) -> None:
        """Nothing is read yet."""
        self._stream = stream
        self._offset = offset
        self._encoding = encoding
        self._reader = ElementReader(stream, little_endian=encoding.little_endian)
        self._elements = 0
        self._bytes = 0

    def events(self) -> Iterator[Event]:
        """The events. Raises AsItCame when the data set is not as DICOM has it, is signed, or is larger than any."""
        try:
            yield from self._level(self._offset, self._stream.seek(0, 2), 0, signed_pixels=False)
        except (DatasetTruncated, DatasetMalformed) as problem:
            raise AsItCame(NOT_AS_DICOM) from problem

    def _level(self, offset: int, end: int, level: int, *, signed_pixels: bool) -> Iterator[Event]:
        """The elements of a data set that ends at `end`, in the order of their tags."""
        if level > MOST_LEVELS:
            raise AsItCame(NOT_AS_DICOM)
        last = -1
        while offset < end:
            element = self._read(offset, end)
            if element.tag <= last:
                raise AsItCame(NOT_AS_DICOM)
            last = element.tag
            if element.length is not None and element.length % 2 and (element.tag != PIXELS or level):
                raise AsItCame(NOT_AS_DICOM)  # some machines do not pad pixels: that is mended as they are written
            vr = element.vr or value_representation(element.tag, element.length, signed_pixels=signed_pixels)
            if element.tag == PIXEL_REPRESENTATION and element.length == 2:
                signed_pixels = self._value(element, vr) == b"\1\0"
            if element.tag == PIXELS and level == 0:
                yield Event("pixels", PIXELS, vr, open_ended=element.length is None, element=element)
                offset = self._end_of(element)
            elif vr == SEQUENCE:
                yield Event("sequence", element.tag, vr, open_ended=element.length is None, element=element)
                offset = yield from self._items(element, end, level, signed_pixels=signed_pixels)
                yield Event("end of sequence", element.tag)
            elif element.length is None:  # an unknown sequence, which is in implicit VR (PS3.5 Section 6.2.2)
                offset = self._end_of(element)
                if vr != UNKNOWN or not self._encoding.little_endian:
                    raise AsItCame(NOT_AS_DICOM)
                content = self._bytes_of(element.offset, offset)
                yield Event("raw sequence", element.tag, vr, content, open_ended=True, element=element)
            else:
                yield Event("value", element.tag, vr, self._value(element, vr), element=element)
                offset = element.end

    def _read(self, offset: int, end: int) -> Element:
        element = self._reader.read(offset, explicit=self._encoding.explicit)
        self._elements += 1
        if self._elements > MOST_ELEMENTS or element.tag >> 16 <= 2 or element.end > end:
            raise AsItCame(NOT_AS_DICOM)
        if self._encoding.explicit and not is_value_representation(element.vr):
            raise AsItCame(NOT_AS_DICOM)
        if element.tag in SIGNATURES:
            raise AsItCame(IS_SIGNED)
        return element

    def _items(self, sequence: Element, end: int, level: int, *, signed_pixels: bool) -> Generator[Event, None, int]:
        """The items of a sequence. Returns where it ends."""
        offset, last = sequence.offset, end if sequence.length is None else sequence.end
        while sequence.length is None or offset < last:
            item = self._reader.read(offset, explicit=False)
            if item.tag == SEQUENCE_DELIMITATION and sequence.length is None and item.length == 0:
                return item.end
            if item.tag != ITEM or item.end > last:
                raise AsItCame(NOT_AS_DICOM)
            item_end = self._end_of_item(item, last)
            yield Event("item", open_ended=item.length is None)
            yield from self._level(item.offset, item_end, level + 1, signed_pixels=signed_pixels)
            yield Event("end of item")
            offset = item_end if item.length is not None else item_end + 8
        return last

    def _end_of_item(self, item: Element, last: int) -> int:
        """Where the elements of an item end."""
        if item.length is not None:
            return item.end
        for element in walk(
            self._stream, item.offset, self._encoding, lambda tag: tag == ITEM_DELIMITATION, MOST_ELEMENTS
        ):
            if element.tag == ITEM_DELIMITATION and element.start < last:
                return element.start
        raise AsItCame(NOT_AS_DICOM)

    def _end_of(self, element: Element) -> int:
        """Where an element ends, also one without a length."""
        if element.length is not None:
            return element.end
        return next(iter(walk(self._stream, element.start, self._encoding, most_elements=MOST_ELEMENTS))).end

    def _value(self, element: Element, vr: bytes) -> bytes:
        value = self._bytes_of(element.offset, element.end)
        if self._encoding.little_endian:
            return value
        turned = turned_round(value, vr)
        if turned is None:
            raise AsItCame(f"Bytes of the kind {vr.decode('latin-1')} cannot be turned from big to little endian.")
        return turned

    def _bytes_of(self, start: int, end: int) -> bytes:
        self._bytes += end - start
        if self._bytes > LONGEST_HEADER:
            raise AsItCame("The file has more beside its pixels than this box re-encodes.")
        self._stream.seek(start)
        content = self._stream.read(end - start)
        if len(content) != end - start:
            raise AsItCame(NOT_AS_DICOM)
        return content


def is_of_the_encoding(tag: int) -> bool:
    """Whether an element says something of the encoding alone, and would be wrong in another one: lengths of groups,
    which are retired, and where compressed frames begin.
    """
    return tag & 0xFFFF == 0 or tag == LENGTH_TO_END or tag in OFFSET_TABLES
