"""What a compressed picture says of itself, read before a decoder touches it, and whether it is all there.

A decoder written in C allocates memory by the size in here or by the data set's. If the two differ, the file is damaged
or malicious. JPEG and JPEG-LS: ISO 10918-1 B.2 and ISO 14495-1 C.2; JPEG 2000: ISO 15444-1 A.4 and A.5.
"""

import math
from dataclasses import dataclass

START_OF_IMAGE = b"\xff\xd8"
END_OF_IMAGE = b"\xff\xd9"  # JPEG's EOI, JPEG-LS's too, and JPEG 2000's EOC
START_OF_CODESTREAM = b"\xff\x4f\xff\x51"  # JPEG 2000's SOC and SIZ
START_OF_TILE_PART = b"\xff\x90"
TILE_PART_HEADER_BYTES = 12
JP2_HEADER_BYTES = 4096  # where to search: a JP2 file has boxes before the codestream, though DICOM should have none
STANDALONE_MARKERS = frozenset((0x01, *range(0xD0, 0xD9)))
NOT_FRAME_HEADERS = frozenset((0xC4, 0xC8, 0xCC))  # DHT, JPG, DAC among the SOFn
JPEG_LS_FRAME_HEADER = 0xF7
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - NOT_FRAME_HEADERS | {JPEG_LS_FRAME_HEADER}
# The transfer syntax of each kind of frame header, for pictures whose file names another one.
SYNTAX_OF_FRAME_HEADER = {
    0xC0: "1.2.840.10008.1.2.4.50",
    0xC1: "1.2.840.10008.1.2.4.51",
    0xC3: "1.2.840.10008.1.2.4.57",
    JPEG_LS_FRAME_HEADER: "1.2.840.10008.1.2.4.80",
}
JPEG_2000 = "1.2.840.10008.1.2.4.90"
LOSSLESS_JPEG = SYNTAX_OF_FRAME_HEADER[0xC3]
BITS_OF_EACH_BLOCK = {SYNTAX_OF_FRAME_HEADER[0xC0]: 2, SYNTAX_OF_FRAME_HEADER[0xC1]: 2}
# Other data than the zeros that a decoder goes on with where data are missing, and no marker among them.
OTHER_DATA = b"\x5a\xa5" * 32


@dataclass(frozen=True)
class CodestreamHeader:
    """Height and width in pixels, samples per pixel, bits of each sample and whether they are signed, which only JPEG
    2000 can say. `syntax` is the transfer syntax that such a picture has, '' if it cannot be told.
    """

    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool
    syntax: str

    @property
    def fewest_bytes(self) -> int:
        """Fewer than these cannot hold such a picture: in JPEG, each block of 8 x 8 samples takes a code of a bit or
        more for its mean and one for the rest (ISO 10918-1 F.1.2), in lossless JPEG each sample takes one (H.1.2.2).
        Decoders fill up with gray what is missing. 0 for other kinds, whose decoders count.
        """
        if self.syntax in BITS_OF_EACH_BLOCK:
            return math.ceil(self.rows / 8) * math.ceil(self.columns / 8) * BITS_OF_EACH_BLOCK[self.syntax] // 8
        return self.rows * self.columns * self.samples // 8 if self.syntax == LOSSLESS_JPEG else 0

    @property
    def is_jpeg_2000(self) -> bool:
        """Whether it is JPEG 2000's, whose end is found in another way."""
        return self.syntax == JPEG_2000


def codestream_header(frame: bytes) -> CodestreamHeader | None:
    """What a compressed frame says of itself, or None if it has no header."""
    if frame.startswith(START_OF_IMAGE):
        return _jpeg_header(frame)
    start = frame.find(START_OF_CODESTREAM, 0, JP2_HEADER_BYTES)
    return None if start < 0 else _jpeg_2000_header(frame[start + 4 : start + 43])


def bare_codestream(frame: bytes) -> bytes:
    """A JPEG 2000 picture without the boxes of a JP2 file before it, which DICOM does not allow (PS3.5 A.4.4) and some
    programs write. Other frames as they are. OpenJPEG's reader of these boxes writes out of bounds where they are
    damaged (CVE-2025-54874, in the 2.5.2 that pylibjpeg-openjpeg brings), and nothing in them is needed: the data set
    says what colours there are.
    """
    if frame.startswith(START_OF_IMAGE):
        return frame
    return frame[max(frame.find(START_OF_CODESTREAM, 0, JP2_HEADER_BYTES), 0) :]


def starts_picture(first_bytes: bytes) -> bool:
    """Whether a fragment begins a new compressed picture rather than continuing the previous one."""
    return first_bytes.startswith((START_OF_IMAGE, START_OF_CODESTREAM[:2]))


def has_end(frame: bytes) -> bool:
    """Whether the end marker is there. It is looked for near the end first."""
    return END_OF_IMAGE in frame[-1024:] or END_OF_IMAGE in frame


def with_end(frame: bytes) -> bytes:
    """A JPEG or JPEG-LS picture without an end marker, with one."""
    return frame.rstrip(b"\xff") + END_OF_IMAGE


def with_other_data(frame: bytes) -> bytes:
    """The same with more data before the end marker. If the picture changes, what should have stood there is missing:
    a decoder takes as many bits as the picture needs, and fills up with zeros.
    """
    return frame.rstrip(b"\xff") + OTHER_DATA + END_OF_IMAGE


def tile_parts_are_whole(frame: bytes) -> bool:
    """Whether a JPEG 2000 picture without an end marker ends where a tile-part ends (A.4.2), so that only the marker is
    missing.
    """
    position = frame.find(START_OF_TILE_PART)
    while position >= 0 and frame[position : position + 2] == START_OF_TILE_PART:
        length = int.from_bytes(frame[position + 6 : position + 10])
        if length < TILE_PART_HEADER_BYTES:  # 0: it lasts to the end marker, wherever that was
            return False
        position += length
    return len(frame) - 1 <= position <= len(frame)  # there may be a byte of padding


def _jpeg_header(frame: bytes) -> CodestreamHeader | None:
    position = len(START_OF_IMAGE)
    while position + 9 < len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in STANDALONE_MARKERS:
            position += 2
        elif marker in FRAME_HEADERS:
            return CodestreamHeader(
                rows=int.from_bytes(frame[position + 5 : position + 7]),
                columns=int.from_bytes(frame[position + 7 : position + 9]),
                samples=frame[position + 9],
                precision=frame[position + 4],
                signed=False,
                syntax=SYNTAX_OF_FRAME_HEADER.get(marker, ""),
            )
        else:
            position += 2 + int.from_bytes(frame[position + 2 : position + 4])
    return None


def _jpeg_2000_header(header: bytes) -> CodestreamHeader | None:
    if len(header) < 39:
        return None
    right, bottom, left, top = (int.from_bytes(header[start : start + 4]) for start in (4, 8, 12, 16))
    return CodestreamHeader(
        rows=bottom - top,
        columns=right - left,
        samples=int.from_bytes(header[36:38]),
        precision=(header[38] & 0x7F) + 1,
        signed=bool(header[38] & 0x80),
        syntax=JPEG_2000,
    )
