"""An original as the same object in explicit VR little endian, uncompressed: for a server that takes it in no other
way.

Compressed pixels are decoded. Whatever follows from that is stated anew: how colours are written down, and that they
stand pixel by pixel. Everything else stays.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from leapfrog.dicom.encoding import EXPLICIT_LITTLE
from leapfrog.dicom.uids import EXPLICIT_LITTLE_ENDIAN, NATIVE
from leapfrog.errors import UnreadableImage
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.frames.decoders import DECODERS
from leapfrog.reader.image.frames.decoding import SUBSAMPLED, WHOLE_COLOURS, FrameDecoder, SampleBits
from leapfrog.reader.originals.recoding.dataset_walk import NOT_AS_DICOM, PIXELS
from leapfrog.reader.originals.recoding.explicit_writer import written
from leapfrog.reader.originals.recoding.file_head import head_in
from leapfrog.reader.originals.recoding.native_pixels import (
    BIG_ENDIAN_PIXELS,
    PHOTOMETRIC,
    PLANAR,
    NativeFrames,
    PixelDescription,
    described,
)
from leapfrog.reader.originals.recoding.original import OTHER_ELEMENTS, Original, opened, require_same_elements
from leapfrog.reader.originals.recoding.refusal import AsItCame

BY_PIXEL = b"\0\0"  # Planar Configuration
CHUNK_BYTES = 1 << 20
MOST_BYTES = 0xFFFFFFFE  # of a value with a length

IS_ALREADY = "It is in explicit VR little endian already."
UNKNOWN_SYNTAX = "It is in a transfer syntax from which this box cannot decode it."
OTHER_BITS = "Its compressed pixels have other bits than the file says."
NOT_DECODED = "Its pixels cannot all be decoded."
TOO_LARGE = "Its pixels are too large to be uncompressed."


def uncompress(path: Path, byte_count: int, stream: BinaryIO, out: BinaryIO) -> None:
    """Write the original in `stream`, which is the first `byte_count` bytes of `path`, to `out`, which can be read too,
    in explicit VR little endian. Raises AsItCame, OSError when the disk fails.
    """
    original = opened(stream, {*NATIVE, *DECODERS}, UNKNOWN_SYNTAX)
    if original.syntax == EXPLICIT_LITTLE_ENDIAN and not (original.element.length or 0) % 2:
        raise AsItCame(IS_ALREADY)
    if (original.element.length is None) != (original.syntax in DECODERS):
        raise AsItCame(NOT_AS_DICOM)
    try:
        pixels = _Decoded(path, byte_count, original) if original.syntax in DECODERS else _Native(original)
        original = original.stating(pixels.restated)
        out.write(head_in(stream, original.start, EXPLICIT_LITTLE_ENDIAN, original.uids))
        out.write(written(original.before))
        digest = _write_pixels(out, pixels)
        out.write(written(original.after))
    except (UnreadableImage, MemoryError) as problem:
        raise AsItCame(NOT_DECODED) from problem
    made = opened(out, (EXPLICIT_LITTLE_ENDIAN,), OTHER_ELEMENTS)
    require_same_elements(original, made)
    if made.element.length != pixels.byte_count + pixels.byte_count % 2 or _digest(out, made, pixels) != digest:
        raise AsItCame(OTHER_ELEMENTS)


class _Native:
    """Uncompressed pixels, in little endian."""

    def __init__(self, original: Original) -> None:
        self.restated: dict[int, bytes] = {}
        self.vr = b"OB" if original.pixels.vr == b"OB" else b"OW"
        self._original = original
        self._frames: NativeFrames | None = None
        self.byte_count = original.element.length or 0
        if original.syntax in BIG_ENDIAN_PIXELS:
            self._description = described(original.values)
            self._frames = NativeFrames(
                original.stream, original.element, original.pixels.vr, original.syntax, self._description
            )
            self.byte_count = self._frames.frame_bytes * self._description.frames

    def pieces(self) -> Iterator[bytes]:
        """The bytes, piece by piece."""
        if self._frames is not None:
            yield from (self._frames.frame(index) for index in range(self._description.frames))
            return
        stream, element = self._original.stream, self._original.element
        for offset in range(element.offset, element.end, CHUNK_BYTES):
            stream.seek(offset)
            yield stream.read(min(CHUNK_BYTES, element.end - offset))


class _Decoded:
    """Compressed pixels, decoded frame by frame."""

    def __init__(self, path: Path, byte_count: int, original: Original) -> None:
        """Raises AsItCame or UnreadableImage."""
        self._description = described(original.values)
        self._decoder = FrameDecoder(open_dicom_file(path, byte_count))
        if len(self._decoder.present) != self._description.frames:
            raise AsItCame(NOT_DECODED)
        if self._description.bits_allocated not in (8, 16, 32):
            raise AsItCame(OTHER_BITS)
        self.vr = b"OB" if self._description.bits_allocated == 8 else b"OW"
        self.byte_count = self._description.frame_bits // 8 * self._description.frames
        decoded = self._decoder.stored(0).photometric
        self._photometric = decoded
        whole = WHOLE_COLOURS if decoded == SUBSAMPLED else decoded  # decoders leave its name, and subsample nothing
        self.restated = {PLANAR: BY_PIXEL} if self._description.planar else {}
        if whole != self._description.photometric:
            value = whole.encode()
            self.restated[PHOTOMETRIC] = value + b" " * (len(value) % 2)

    def pieces(self) -> Iterator[bytes]:
        """The bytes, frame by frame. Raises AsItCame or UnreadableImage."""
        for index in range(self._description.frames):
            yield self._frame(index, self._description)

    def _frame(self, index: int, one: PixelDescription) -> bytes:
        stored = self._decoder.stored(index)
        wanted = SampleBits(one.bits_stored, one.high_bit + 1 - one.bits_stored, self._decoder.layout.signed)
        if stored.bits != wanted or stored.photometric != self._photometric:
            raise AsItCame(OTHER_BITS)
        number = np.dtype(f"<u{one.bits_allocated // 8}")
        if stored.samples.itemsize > number.itemsize or (stored.samples.itemsize < number.itemsize and wanted.signed):
            raise AsItCame(OTHER_BITS)
        content = np.ascontiguousarray(stored.samples).astype(number, copy=False).tobytes()
        if len(content) != one.frame_bits // 8:
            raise AsItCame(OTHER_BITS)
        return content


def _write_pixels(out: BinaryIO, pixels: _Native | _Decoded) -> bytes:
    """The element of the pixels. Returns their digest."""
    total = pixels.byte_count + pixels.byte_count % 2
    if total > MOST_BYTES:
        raise AsItCame(TOO_LARGE)
    head = EXPLICIT_LITTLE.element(PIXELS, pixels.vr, b"")
    out.write(head[:-4] + total.to_bytes(4, "little"))
    digest, begin = hashlib.sha256(), out.tell()
    for piece in pixels.pieces():
        digest.update(piece)
        out.write(piece)
    if out.tell() - begin != pixels.byte_count:
        raise AsItCame(NOT_DECODED)
    out.write(b"\0" * (total - pixels.byte_count))
    return digest.digest()


def _digest(out: BinaryIO, made: Original, pixels: _Native | _Decoded) -> bytes:
    """The digest of the pixels as they stand in the file."""
    digest, left = hashlib.sha256(), pixels.byte_count
    out.seek(made.element.offset)
    while left and (piece := out.read(min(left, CHUNK_BYTES))):
        digest.update(piece)
        left -= len(piece)
    return digest.digest()
