"""An original as the same object in JPEG-LS lossless.

Only what is uncompressed, whole, unsigned and written as DICOM has it is re-encoded, and only if that makes it smaller.
What was written is read again from the file: each frame is decoded and compared bit by bit, and every other element is
compared with the original's.
"""

from itertools import zip_longest
from typing import BinaryIO

from leapfrog.dicom.elements import fragments
from leapfrog.dicom.encoding import EXPLICIT_LITTLE, IMPLICIT_LITTLE, ITEM, SEQUENCE_DELIMITATION
from leapfrog.dicom.uids import JPEG_LS_LOSSLESS, NATIVE
from leapfrog.reader.originals.recoding.dataset_walk import NOT_AS_DICOM, PIXELS
from leapfrog.reader.originals.recoding.explicit_writer import written
from leapfrog.reader.originals.recoding.file_head import head_in
from leapfrog.reader.originals.recoding.jpeg_ls import JpegLs, require_kind
from leapfrog.reader.originals.recoding.native_pixels import PLANAR, NativeFrames, described
from leapfrog.reader.originals.recoding.original import OTHER_ELEMENTS, Original, opened, require_same_elements
from leapfrog.reader.originals.recoding.refusal import AsItCame

BY_PIXEL = b"\0\0"  # Planar Configuration, which compressed pixels must have (PS3.5 Table 8.2.3-1)
DELIMITER = IMPLICIT_LITTLE.element(SEQUENCE_DELIMITATION, b"", b"")

NOT_UNCOMPRESSED = "It is not uncompressed."
NOT_SMALLER = "It would not get smaller."


def compress(stream: BinaryIO, out: BinaryIO) -> None:
    """Write the original in `stream` to `out`, which can be read too, in JPEG-LS lossless. Colours that are stored in
    planes are stored by pixel then, as the standard wants, and Planar Configuration says so.

    Raises AsItCame, OSError when the disk fails.
    """
    original = opened(stream, NATIVE, NOT_UNCOMPRESSED)
    if original.element.length is None:
        raise AsItCame(NOT_AS_DICOM)
    description = described(original.values)
    require_kind(description)
    frames = NativeFrames(stream, original.element, original.pixels.vr, original.syntax, description)
    if description.planar:
        original = original.stating({PLANAR: BY_PIXEL})
    coder = JpegLs(description, frames)
    out.write(head_in(stream, original.start, JPEG_LS_LOSSLESS, original.uids))
    out.write(written(original.before))
    _write_frames(out, coder, description.frames, original.byte_count)
    out.write(written(original.after))
    if out.tell() >= original.byte_count:
        raise AsItCame(NOT_SMALLER)
    _require_same(original, out, coder, description.frames)


def _write_frames(out: BinaryIO, coder: JpegLs, count: int, most_bytes: int) -> None:
    """The pixels in items: first the offset table, where there are several frames (PS3.5 Annex A.4)."""
    out.write(EXPLICIT_LITTLE.element(PIXELS, b"OB", b"", undefined_length=True))
    table = 4 * count if count > 1 else 0
    table_at = out.tell()
    out.write(IMPLICIT_LITTLE.element(ITEM, b"", bytes(table)))
    first, offsets = out.tell(), []
    for index in range(count):
        offsets.append(out.tell() - first)
        out.write(IMPLICIT_LITTLE.item(coder.compressed(index)))
        if out.tell() >= most_bytes:  # no offset is larger, so that four bytes hold each
            raise AsItCame(NOT_SMALLER)
    out.write(DELIMITER)
    if table:
        end = out.tell()
        out.seek(table_at)
        out.write(IMPLICIT_LITTLE.item(b"".join(offset.to_bytes(4, "little") for offset in offsets)))
        out.seek(end)


def _require_same(original: Original, out: BinaryIO, coder: JpegLs, count: int) -> None:
    """Read what was written, and compare it with the original. Raises AsItCame when anything differs."""
    made = opened(out, (JPEG_LS_LOSSLESS,), OTHER_ELEMENTS)
    require_same_elements(original, made)
    items = fragments(out, made.element.offset)
    next(items)  # the offset table
    for index, item in zip_longest(range(count), items):
        if index is None or item is None:
            raise AsItCame(OTHER_ELEMENTS)
        out.seek(item.offset)
        coder.require_same(index, out.read(item.end - item.offset))
