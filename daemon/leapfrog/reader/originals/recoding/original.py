"""An original that is to be re-encoded: its elements but for the pixels, and whether what was written of it says the
same.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import BinaryIO

from leapfrog.dicom.elements import Element, actual_encoding
from leapfrog.dicom.part10 import DatasetStart, find_dataset
from leapfrog.dicom.uids import GE_BIG_ENDIAN_PIXELS, IMPLICIT_LITTLE_ENDIAN
from leapfrog.reader.originals.recoding.dataset_walk import NOT_AS_DICOM, DatasetWalk, Event, is_of_the_encoding
from leapfrog.reader.originals.recoding.native_pixels import DESCRIPTION
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.originals.recoding.value_representations import value_representation

SOP_CLASS, SOP_INSTANCE = 0x00080016, 0x00080018

NO_PIXELS = "It has no pixels."
OTHER_ELEMENTS = "What was written does not say the same as the original."


@dataclass(frozen=True)
class Original:
    """An opened original: `before` and `after` its pixels. `values` are those that name it and describe the pixels, by
    tag; an icon in it has its own.
    """

    stream: BinaryIO
    byte_count: int
    start: DatasetStart
    before: tuple[Event, ...]
    pixels: Event
    element: Element
    after: tuple[Event, ...]
    values: Mapping[int, bytes]

    @property
    def syntax(self) -> str:
        """Its transfer syntax."""
        return self.start.transfer_syntax_uid

    @property
    def uids(self) -> tuple[bytes, bytes]:
        """SOP class and instance."""
        class_uid, instance_uid = (self.values.get(tag, b"").strip(b"\0 ") for tag in (SOP_CLASS, SOP_INSTANCE))
        return class_uid, instance_uid

    def stating(self, values: Mapping[int, bytes]) -> "Original":
        """The same original, but with other values in those of its elements that follow from the pixels' encoding."""
        return replace(self, before=tuple(_restated(self.before, values)))


def opened(stream: BinaryIO, syntaxes: Collection[str], otherwise: str) -> Original:
    """The original in `stream`. Raises AsItCame when it is damaged, signed, or has no pixels; with the reason
    `otherwise` when it is in none of the transfer syntaxes `syntaxes`.
    """
    byte_count = stream.seek(0, 2)
    stream.seek(0)
    start = find_dataset(stream)
    if start.transfer_syntax_uid not in syntaxes:
        raise AsItCame(otherwise)
    encoding = actual_encoding(stream, start.offset, start.transfer_syntax_uid)
    if encoding.explicit == (start.transfer_syntax_uid in (IMPLICIT_LITTLE_ENDIAN, GE_BIG_ENDIAN_PIXELS)):
        raise AsItCame(NOT_AS_DICOM)
    events = tuple(DatasetWalk(stream, start.offset, encoding).events())
    place = next((index for index, event in enumerate(events) if event.kind == "pixels"), None)
    if place is None or (element := events[place].element) is None:
        raise AsItCame(NO_PIXELS)
    before = events[:place]
    values = {event.tag: event.value for event in _outermost(before)}
    return Original(stream, byte_count, start, before, events[place], element, events[place + 1 :], values)


def _outermost(events: Iterable[Event]) -> Iterator[Event]:
    """The values that name the object and describe its pixels, not those within sequences. Raises AsItCame where one
    has another VR than it should: others may read another value.
    """
    depth = 0
    for event in events:
        depth += (event.kind == "sequence") - (event.kind == "end of sequence")
        if depth == 0 and event.kind == "value" and event.tag in DESCRIPTION | {SOP_CLASS, SOP_INSTANCE}:
            if event.vr != value_representation(event.tag, len(event.value), signed_pixels=False):
                raise AsItCame(NOT_AS_DICOM)
            yield event


def _restated(events: Iterable[Event], values: Mapping[int, bytes]) -> Iterator[Event]:
    depth = 0
    for event in events:
        depth += (event.kind == "sequence") - (event.kind == "end of sequence")
        known = depth == 0 and event.kind == "value" and event.tag in values
        yield replace(event, value=values[event.tag]) if known else event


def require_same_elements(original: Original, made: Original) -> None:
    """Raise AsItCame unless both state the same, the pixels and what is of the encoding apart."""
    for mine, theirs in ((original.before, made.before), (original.after, made.after)):
        if any(one != other for one, other in zip_longest(_statements(mine), _statements(theirs))):
            raise AsItCame(OTHER_ELEMENTS)


def _statements(events: Iterable[Event]) -> Iterator[tuple[str, int, bytes, bool]]:
    return (event.statement for event in events if not is_of_the_encoding(event.tag))
