"""The size that a compressed picture declares, read before a decoder touches it.

A decoder written in C allocates memory by this size or by the data set's. If the two differ, the file is damaged or
malicious. JPEG and JPEG-LS: ISO 10918-1 B.2.2 and ISO 14495-1 C.2.2; JPEG 2000: ISO 15444-1 A.5.1.
"""

from dataclasses import dataclass

START_OF_IMAGE = b"\xff\xd8"
END_OF_IMAGE = b"\xff\xd9"  # JPEG's EOI, JPEG-LS's too, and JPEG 2000's EOC
START_OF_CODESTREAM = b"\xff\x4f\xff\x51"  # JPEG 2000's SOC and SIZ
JP2_HEADER_BYTES = 4096  # where to search: a JP2 file has boxes before the codestream, though DICOM should have none
STANDALONE_MARKERS = frozenset((0x01, *range(0xD0, 0xD9)))
NOT_FRAME_HEADERS = frozenset((0xC4, 0xC8, 0xCC))  # DHT, JPG, DAC among the SOFn
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - NOT_FRAME_HEADERS | {0xF7}  # 0xF7 is JPEG-LS


@dataclass(frozen=True)
class CodestreamSize:
    """Height and width in pixels, and the number of samples per pixel."""

    rows: int
    columns: int
    samples: int


def codestream_size(frame: bytes) -> CodestreamSize | None:
    """The size that a compressed frame declares, or None if it has no header."""
    if frame.startswith(START_OF_IMAGE):
        return _jpeg_size(frame)
    start = frame.find(START_OF_CODESTREAM, 0, JP2_HEADER_BYTES)
    return None if start < 0 else _jpeg_2000_size(frame[start + 4 : start + 42])


def starts_picture(first_bytes: bytes) -> bool:
    """Whether a fragment begins a new compressed picture rather than continuing the previous one."""
    return first_bytes.startswith((START_OF_IMAGE, START_OF_CODESTREAM[:2]))


def _jpeg_size(frame: bytes) -> CodestreamSize | None:
    position = len(START_OF_IMAGE)
    while position + 9 < len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in STANDALONE_MARKERS:
            position += 2
        elif marker in FRAME_HEADERS:
            rows = int.from_bytes(frame[position + 5 : position + 7])
            columns = int.from_bytes(frame[position + 7 : position + 9])
            return CodestreamSize(rows, columns, frame[position + 9])
        else:
            position += 2 + int.from_bytes(frame[position + 2 : position + 4])
    return None


def _jpeg_2000_size(header: bytes) -> CodestreamSize | None:
    if len(header) < 38:
        return None
    right, bottom, left, top = (int.from_bytes(header[start : start + 4]) for start in (4, 8, 12, 16))
    return CodestreamSize(bottom - top, right - left, int.from_bytes(header[36:38]))
