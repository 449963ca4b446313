"""Writes the events of a data set in explicit VR little endian, everything in it as it was."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from leapfrog.dicom.encoding import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
)
from leapfrog.reader.originals.recoding.dataset_walk import Event, is_of_the_encoding

END_OF_ITEM = IMPLICIT_LITTLE.element(ITEM_DELIMITATION, b"", b"")
END_OF_SEQUENCE = IMPLICIT_LITTLE.element(SEQUENCE_DELIMITATION, b"", b"")


@dataclass
class _Open:
    """A sequence or an item that is being written."""

    event: Event
    parts: list[bytes] = field(default_factory=list)


def written(events: Iterable[Event]) -> bytes:
    """The elements in explicit VR little endian. Lengths of groups are left out, as they would be wrong; sequences and
    items have a length where they had one.
    """
    outermost: list[bytes] = []
    parts, stack = outermost, list[_Open]()
    for event in events:
        match event.kind:
            case "value" | "raw sequence" if is_of_the_encoding(event.tag):
                pass
            case "value":
                parts.append(EXPLICIT_LITTLE.element(event.tag, event.vr, event.value))
            case "raw sequence":
                parts.append(EXPLICIT_LITTLE.element(event.tag, event.vr, event.value, undefined_length=True))
            case "sequence" | "item":
                stack.append(_Open(event))
                parts = stack[-1].parts
            case "end of item" | "end of sequence":
                closed = stack.pop()
                parts = stack[-1].parts if stack else outermost
                parts.append(_closed(closed))
    return b"".join(outermost)


def _closed(one: _Open) -> bytes:
    content = b"".join(one.parts)
    is_item = one.event.kind == "item"
    if one.event.open_ended:
        content += END_OF_ITEM if is_item else END_OF_SEQUENCE
    tag, vr = (ITEM, b"") if is_item else (one.event.tag, one.event.vr)
    return EXPLICIT_LITTLE.element(tag, vr, content, undefined_length=one.event.open_ended)
