"""Whether a picture file is all there, and what of that its format proves."""

import re
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC = b"\xff\xd8\xff"
TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

PNG_END = b"IEND"
# ISO 10918-1, Annex B: a marker, unless it is a stuffed zero, a fill byte or one that restarts a scan.
JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
JPEG_START, JPEG_END, JPEG_TEMPORARY = 0xD8, 0xD9, 0x01  # these stand alone; a length follows every other
CHUNK_BYTES = 1 << 20

# TIFF 6.0, Section 2: bytes of a value by its type, with BigTIFF's 16 to 18.
TIFF_TYPE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
# Offsets of strips, of tiles and of an old JPEG picture, with the tags of their lengths.
TIFF_PIECES = {273: 279, 324: 325, 513: 514}
INTEGER_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
MOST_DIRECTORIES = 1000  # pages; a file may also point back to an earlier one
MOST_PIECES = 1_000_000


@dataclass(frozen=True)
class Structure:
    """What a file's format tells: whether it ends where it should (`whole`), whether its last bytes are proven to have
    been written (`end_proven`) or all of them (`all_proven`), and whether its pixels are compressed.
    """

    whole: bool
    end_proven: bool = False
    all_proven: bool = False
    compressed: bool = False


def picture_structure(stream: BinaryIO) -> Structure:
    """The structure of the picture file `stream`. A PNG is whole by the checksums of its chunks, a JPEG by the end
    marker of the picture itself, a TIFF if everything that it points to lies within it. Any other content counts as
    whole. Raises nothing but OSError.
    """
    size = stream.seek(0, 2)
    stream.seek(0)
    start = stream.read(len(PNG_MAGIC))
    if start.startswith(PNG_MAGIC):
        whole = _png_is_whole(stream, size)
        return Structure(whole, end_proven=whole, all_proven=whole)
    if start.startswith(JPEG_MAGIC):
        return Structure(_jpeg_is_whole(stream), compressed=True)
    if start.startswith(TIFF_MAGICS):
        return _tiff_structure(stream, size)
    return Structure(whole=True)


def _png_is_whole(stream: BinaryIO, size: int) -> bool:
    """PNG, Section 5.3: length, type, data, and the CRC-32 of the last two."""
    offset = len(PNG_MAGIC)
    while offset + 12 <= size:
        stream.seek(offset)
        length, kind = struct.unpack(">I4s", stream.read(8))
        offset += 12 + length
        if offset > size or not _checksum_holds(stream, kind, length):
            return False
        if kind == PNG_END:
            return True
    return False


def _checksum_holds(stream: BinaryIO, kind: bytes, length: int) -> bool:
    checksum = zlib.crc32(kind)
    while length > 0:
        content = stream.read(min(CHUNK_BYTES, length))
        if not content:
            return False
        checksum = zlib.crc32(content, checksum)
        length -= len(content)
    return stream.read(4) == checksum.to_bytes(4, "big")


def _jpeg_is_whole(stream: BinaryIO) -> bool:
    """Whether the end marker is there, from marker to marker: the small picture in an EXIF head has one of its own, so
    one near the end of half a file proves nothing. Whatever is appended behind it does not count.
    """
    position = 0
    while (found := _next_marker(stream, position)) is not None:
        marker, position = found
        if marker == JPEG_END:
            return True
        if marker not in (JPEG_START, JPEG_TEMPORARY):
            stream.seek(position)
            position += max(int.from_bytes(stream.read(2)), 2)
    return False


def _next_marker(stream: BinaryIO, position: int) -> tuple[int, int] | None:
    """The first marker from `position` on, and where it ends; what is no marker is passed over, as decoders do."""
    stream.seek(position)
    last = b""
    while chunk := stream.read(CHUNK_BYTES):
        content = last + chunk
        if found := JPEG_MARKER.search(content):
            return content[found.end() - 1], position - len(last) + found.end()
        position, last = position + len(chunk), content[-1:]
    return None


# ---------------------------------------------------------------- TIFF


@dataclass(frozen=True)
class _TiffLayout:
    """How numbers are written: byte order, and whether it is BigTIFF, which has longer ones."""

    order: str
    big: bool

    @property
    def pointer_bytes(self) -> int:
        return 8 if self.big else 4

    def pointer(self, content: bytes, offset: int = 0) -> int:
        return int(struct.unpack_from(self.order + ("Q" if self.big else "I"), content, offset)[0])


@dataclass(frozen=True)
class _TiffValue:
    """Where the values of a tag are."""

    type: int
    count: int
    offset: int

    @property
    def end(self) -> int:
        return self.offset + self.count * TIFF_TYPE_BYTES.get(self.type, 1)


def _tiff_structure(stream: BinaryIO, size: int) -> Structure:
    """Often the directory comes last, and ends in zeros: "no other page follows"."""
    stream.seek(0)
    head = stream.read(16)
    layout = _TiffLayout("<" if head.startswith(b"II") else ">", b"+" in head[2:4])
    if len(head) < 16:
        return Structure(whole=False)
    offset = layout.pointer(head, 8 if layout.big else 4)
    seen: set[int] = set()
    end_proven = False
    while offset and offset not in seen and len(seen) < MOST_DIRECTORIES:
        seen.add(offset)
        directory = _tiff_directory(stream, layout, offset, size)
        if directory is None:
            return Structure(whole=False)
        tags, offset, end = directory
        end_proven |= end == size
        if not tags or not all(value.end <= size for value in tags.values()):
            return Structure(whole=False)
        if not _tiff_pieces_lie_within(stream, layout, tags, size):
            return Structure(whole=False)
    return Structure(bool(seen), end_proven)


def _tiff_directory(
    stream: BinaryIO, layout: _TiffLayout, offset: int, size: int
) -> tuple[dict[int, _TiffValue], int, int] | None:
    """The tags of one directory, where the next one is (0: nowhere), and where this one ends; None where the file ends
    before.
    """
    count_format, entry_bytes = ("Q", 20) if layout.big else ("H", 12)
    if offset > size:  # it may be more than the system takes for a position
        return None
    stream.seek(offset)
    start = stream.read(struct.calcsize(count_format))
    if len(start) < struct.calcsize(count_format):
        return None
    (count,) = struct.unpack(layout.order + count_format, start)
    first = offset + len(start)
    if first + count * entry_bytes + layout.pointer_bytes > size:
        return None
    entries = stream.read(count * entry_bytes + layout.pointer_bytes)
    tags: dict[int, _TiffValue] = {}
    for at in range(0, count * entry_bytes, entry_bytes):
        tag, type_, values = struct.unpack_from(layout.order + ("HHQ" if layout.big else "HHI"), entries, at)
        inline = at + entry_bytes - layout.pointer_bytes
        fits = values * TIFF_TYPE_BYTES.get(type_, 1) <= layout.pointer_bytes
        tags[tag] = _TiffValue(type_, values, first + inline if fits else layout.pointer(entries, inline))
    return tags, layout.pointer(entries, count * entry_bytes), first + len(entries)


def _tiff_pieces_lie_within(stream: BinaryIO, layout: _TiffLayout, tags: dict[int, _TiffValue], size: int) -> bool:
    """Whether each strip or tile ends within the file; not where a length is missing or no number."""
    for offsets_tag, lengths_tag in TIFF_PIECES.items():
        if offsets_tag in tags:
            offsets = _tiff_integers(stream, layout, tags[offsets_tag])
            lengths = _tiff_integers(stream, layout, tags[lengths_tag]) if lengths_tag in tags else ()
            if not offsets or len(offsets) > len(lengths):
                return False
            if any(offset + length > size for offset, length in zip(offsets, lengths, strict=False)):
                return False
    return True


def _tiff_integers(stream: BinaryIO, layout: _TiffLayout, value: _TiffValue) -> tuple[int, ...]:
    letter, count = INTEGER_FORMATS.get(value.type), min(value.count, MOST_PIECES)
    if letter is None:
        return ()
    stream.seek(value.offset)
    content = stream.read(count * struct.calcsize(letter))
    return struct.unpack_from(f"{layout.order}{len(content) // struct.calcsize(letter)}{letter}", content)
