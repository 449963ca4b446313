"""Finds each frame's bytes in a file, so that a cine loop can be read frame by frame (PS3.5 Annex A.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, fragments
from leapfrog.errors import UnreadableImage
from leapfrog.language.sentence import Sentence
from leapfrog.reader.image.dicom_file import CANNOT_BE_READ, ENDS_EARLY
from leapfrog.reader.image.frames.codestream import starts_picture

MARKER_BYTES = 4
MOST_FRAGMENTS = 1_000_000  # the index of a file full of empty items would not fit into memory


@dataclass(frozen=True)
class Extent:
    """`length` bytes from byte `offset` of the file."""

    offset: int
    length: int


FrameExtents = tuple[Extent, ...]  # the pieces that make one frame, in order


def compressed_frames(stream: BinaryIO, offset: int, count: int) -> tuple[FrameExtents, ...]:
    """The `count` frames of compressed pixels. Their first item, the offset table, is at byte `offset`.

    A frame of a loop that is missing has no extents. Raises UnreadableImage if there is no frame at all, or if a single
    picture is not all there.
    """
    (table, *fragments), damage = _items(stream, offset)
    if not fragments or (count == 1 and damage):
        raise UnreadableImage(damage or ENDS_EARLY)
    if count == 1:
        return (tuple(fragments),)
    if len(fragments) == count:
        return tuple((fragment,) for fragment in fragments)
    starts = _starts_by_table(stream, table, fragments, count) or _starts_by_marker(stream, fragments)
    if not starts and len(fragments) < count:  # RLE has no marker, and one fragment a frame (PS3.5 Annex G.2)
        starts = list(range(len(fragments)))
    if not starts:
        raise UnreadableImage(damage or ENDS_EARLY)
    ends = [*starts[1:], len(fragments)]
    frames = [tuple(fragments[start:end]) for start, end in zip(starts, ends, strict=True)][:count]
    return (*frames, *((),) * (count - len(frames)))


def read_extents(stream: BinaryIO, extents: FrameExtents) -> bytes:
    """The bytes of one frame. Raises UnreadableImage if the file has become shorter."""
    pieces = []
    for extent in extents:
        stream.seek(extent.offset)
        piece = stream.read(extent.length)
        if len(piece) < extent.length:
            raise UnreadableImage(ENDS_EARLY)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _items(stream: BinaryIO, offset: int) -> tuple[list[Extent], Sentence]:
    """All items up to the first damaged one, the offset table first, and a sentence for staff if one is damaged."""
    items: list[Extent] = []
    damage = Sentence("")
    try:
        for item in islice(fragments(stream, offset), MOST_FRAGMENTS + 1):
            items.append(Extent(item.offset, item.length or 0))
    except DatasetTruncated:
        damage = ENDS_EARLY
    except DatasetMalformed:
        damage = CANNOT_BE_READ
    if len(items) > MOST_FRAGMENTS:
        raise UnreadableImage(CANNOT_BE_READ)
    if not items:
        raise UnreadableImage(damage or ENDS_EARLY)
    return items, damage


def _starts_by_table(stream: BinaryIO, table: Extent, fragments: Sequence[Extent], count: int) -> list[int]:
    """Index of each frame's first fragment, from the basic offset table; empty if the table is empty or wrong."""
    if table.length != 4 * count:
        return []
    content = read_extents(stream, (table,))
    offsets = [int.from_bytes(content[start : start + 4], "little") for start in range(0, len(content), 4)]
    base = fragments[0].offset
    index_of = {fragment.offset - base: index for index, fragment in enumerate(fragments)}
    starts = [index_of.get(offset, -1) for offset in offsets]
    return starts if starts[0] == 0 and starts == sorted(set(starts)) else []


def _starts_by_marker(stream: BinaryIO, fragments: Sequence[Extent]) -> list[int]:
    starts = []
    for index, fragment in enumerate(fragments):
        stream.seek(fragment.offset)
        if starts_picture(stream.read(min(MARKER_BYTES, fragment.length))):
            starts.append(index)
    return starts
