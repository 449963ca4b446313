"""The uncompressed pixels of an original: how they are described, and the bytes of each frame in little endian."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from leapfrog.dicom.elements import Element
from leapfrog.dicom.uids import EXPLICIT_BIG_ENDIAN, GE_BIG_ENDIAN_PIXELS
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.originals.recoding.value_representations import turned_round

SAMPLES, PHOTOMETRIC, PLANAR, FRAMES = 0x00280002, 0x00280004, 0x00280006, 0x00280008
ROWS, COLUMNS, BITS_ALLOCATED, BITS_STORED, HIGH_BIT = 0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280102
DESCRIPTION = frozenset((SAMPLES, PHOTOMETRIC, PLANAR, FRAMES, ROWS, COLUMNS, BITS_ALLOCATED, BITS_STORED, HIGH_BIT))
BIG_ENDIAN_PIXELS = frozenset((EXPLICIT_BIG_ENDIAN, GE_BIG_ENDIAN_PIXELS))
WORDS = b"OW"
LARGEST_FRAME_BYTES = 256 << 20
MOST_FRAMES = 100_000

NOT_DESCRIBED = "The file does not say as DICOM has it how its pixels are laid out."
OTHER_LENGTH = "Its pixels are more, or fewer, than the file says."


@dataclass(frozen=True)
class PixelDescription:
    """The Image Pixel module (PS3.3 C.7.6.3), as far as bytes depend on it. `photometric` is as the file spells it."""

    rows: int
    columns: int
    samples: int
    frames: int
    photometric: str
    planar: bool
    bits_allocated: int
    bits_stored: int
    high_bit: int

    @property
    def frame_bits(self) -> int:
        """Bits of one frame that is not subsampled."""
        return self.rows * self.columns * self.samples * self.bits_allocated


def described(values: Mapping[int, bytes]) -> PixelDescription:
    """What the elements DESCRIPTION say, by tag. Raises AsItCame when they do not make sense."""
    frames = values.get(FRAMES, b"1").decode("latin-1").strip(" \0") or "1"
    if not (frames.isascii() and frames.isdecimal() and len(frames) <= 6):
        raise AsItCame(NOT_DESCRIBED)
    description = PixelDescription(
        rows=_number(values, ROWS),
        columns=_number(values, COLUMNS),
        samples=_number(values, SAMPLES),
        frames=int(frames),
        photometric=values.get(PHOTOMETRIC, b"").decode("latin-1").strip(" \0"),
        planar=_number(values, SAMPLES) > 1 and _number(values, PLANAR) == 1,
        bits_allocated=_number(values, BITS_ALLOCATED),
        bits_stored=_number(values, BITS_STORED),
        high_bit=_number(values, HIGH_BIT),
    )
    if not (description.frame_bits and 1 <= description.frames <= MOST_FRAMES):
        raise AsItCame(NOT_DESCRIBED)
    if not 0 < description.bits_stored <= description.high_bit + 1 <= description.bits_allocated:
        raise AsItCame(NOT_DESCRIBED)
    if description.frame_bits > 8 * LARGEST_FRAME_BYTES:
        raise AsItCame("Its frames are larger than this box re-encodes.")
    return description


def _number(values: Mapping[int, bytes], tag: int) -> int:
    value = values.get(tag, b"")
    if len(value) != 2:
        raise AsItCame(NOT_DESCRIBED)
    return int.from_bytes(value, "little")


class NativeFrames:
    """The frames of the element `pixels`, which has a length and is in the transfer syntax `syntax`."""

    def __init__(
        self, stream: BinaryIO, pixels: Element, vr: bytes, syntax: str, description: PixelDescription
    ) -> None:
        """Raises AsItCame unless the pixels are exactly as many as described, in whole bytes, with or without the byte
        that makes their number even.
        """
        self._stream = stream
        self._pixels = pixels
        self._turned = syntax in BIG_ENDIAN_PIXELS and (vr == WORDS or description.bits_allocated > 8)
        self.frame_bytes, rest = divmod(description.frame_bits, 8)
        total = self.frame_bytes * description.frames
        if rest or pixels.length not in (total, total + total % 2) or (self._turned and (pixels.length or 0) % 2):
            raise AsItCame(OTHER_LENGTH)
        if self._turned and (vr != WORDS or description.bits_allocated not in (8, 16)):
            raise AsItCame(NOT_DESCRIBED)
        if self._turned and self.frame_bytes % 2 and description.frames > 1:
            raise AsItCame("Its frames begin within a word of big-endian bytes.")
        if (
            pixels.length != total and self._read(total - 1 if self._turned else total, 1) != b"\0"
        ):  # what would be lost
            raise AsItCame(OTHER_LENGTH)

    def _read(self, start: int, length: int) -> bytes:
        self._stream.seek(self._pixels.offset + start)
        return self._stream.read(min(length, (self._pixels.length or 0) - start))

    def frame(self, index: int) -> bytes:
        """The bytes of frame `index`, counted from 0, as they are in little endian."""
        length = self.frame_bytes + (self.frame_bytes % 2 if self._turned else 0)
        content = self._read(index * self.frame_bytes, length)
        if self._turned:
            content = (turned_round(content, WORDS) or b"")[: self.frame_bytes]
        if len(content) != self.frame_bytes:
            raise AsItCame(OTHER_LENGTH)
        return content
