"""The frames of an original as JPEG-LS (ISO 14495-1, PS3.5 Section 8.2.3), and whether they come back as they were."""

import jpeg_ls
import numpy as np

from leapfrog.reader.originals.recoding.native_pixels import NativeFrames, PixelDescription
from leapfrog.reader.originals.recoding.refusal import AsItCame

GRAY = frozenset(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"))
COLOUR = frozenset(("RGB", "YBR_FULL"))
BY_PIXEL = 2  # how the colours of a codestream are interleaved

NOT_HELD = "JPEG-LS does not hold pixels of this kind ({what})."
NOT_MADE = "JPEG-LS does not make its pixels smaller."
OTHER_BITS = "Its pixels do not come back from JPEG-LS as they were."


def require_kind(description: PixelDescription) -> None:
    """Raise AsItCame unless JPEG-LS in DICOM holds pixels of this kind."""
    one = description
    known = (one.samples == 1 and one.photometric in GRAY) or (one.samples == 3 and one.photometric in COLOUR)
    if not known or one.bits_allocated not in (8, 16):
        what = f"{one.photometric[:16]}, {one.samples} x {one.bits_allocated} bits"
        raise AsItCame(NOT_HELD.format(what=what))


class JpegLs:
    """Codes and decodes the frames of one original."""

    def __init__(self, description: PixelDescription, frames: NativeFrames) -> None:
        """Look through all frames for the bits that are set. Raises AsItCame as reading a frame does."""
        self._description = description
        self._frames = frames
        self._precision = self._bits_in_use()

    def _bits_in_use(self) -> int:
        """How many bits of each sample the codestreams have: those that are stored, or all, where others are set too.
        Such are an overlay in the pixels, the sign of negative numbers, and padding.
        """
        one = self._description
        if one.bits_stored == 1 or (one.bits_allocated == 16 and one.bits_stored <= 8):  # decoded to other bytes
            return one.bits_allocated
        if one.high_bit != one.bits_stored - 1:  # with fewer bits, the lowest would be taken for the stored ones
            return one.bits_allocated
        number = np.dtype("u1" if one.bits_allocated == 8 else "<u2")
        highest = max(int(np.frombuffer(self._frames.frame(index), number).max()) for index in range(one.frames))
        return one.bits_allocated if highest >> one.bits_stored else one.bits_stored

    def _by_pixel(self, index: int) -> bytes:
        """Frame `index`, its colours pixel by pixel."""
        one, frame = self._description, self._frames.frame(index)
        if not one.planar:
            return frame
        number = np.dtype("u1" if one.bits_allocated == 8 else "<u2")
        return np.ascontiguousarray(np.frombuffer(frame, number).reshape(one.samples, -1).T).tobytes()

    def compressed(self, index: int) -> bytes:
        """The codestream of frame `index`, of even length. Raises AsItCame when there is none."""
        one = self._description
        try:
            codestream = jpeg_ls.encode_buffer(
                self._by_pixel(index), one.rows, one.columns, one.samples, self._precision, interleave_mode=BY_PIXEL
            )
        except (RuntimeError, ValueError) as problem:  # also where the codestream would be larger than the frame
            raise AsItCame(NOT_MADE) from problem
        return bytes(codestream) + b"\0" * (len(codestream) % 2)

    def require_same(self, index: int, codestream: bytes) -> None:
        """Raise AsItCame unless `codestream` gives back frame `index`, bit by bit."""
        try:
            back, _ = jpeg_ls.decode_buffer(codestream)
        except (RuntimeError, ValueError) as problem:
            raise AsItCame(OTHER_BITS) from problem
        if back != self._by_pixel(index):
            raise AsItCame(OTHER_BITS)
