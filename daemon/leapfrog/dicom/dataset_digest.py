"""Where a DICOM file's data set begins, and a digest of it that ignores the wrapping (PS3.10 Section 7).

Two receivers write other preambles and file meta information around the same data set, so "the same content" means
the same transfer syntax and the same bytes after the meta information. Only the standard library is needed.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"

PREAMBLE_BYTES = 128
PREFIX = b"DICM"
META_GROUP = 0x0002
SOP_CLASS_ELEMENT = 0x0002
SOP_INSTANCE_ELEMENT = 0x0003
TRANSFER_SYNTAX_ELEMENT = 0x0010
LONG_VALUE_REPRESENTATIONS = frozenset((b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT"))
LONGEST_UID_BYTES = 64
LOWEST_SWAPPED_GROUP = 0x0400  # group 0x0008 of a big-endian file reads as 0x0800
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class DatasetStart:
    """The data set begins at byte `offset` and is encoded in `transfer_syntax_uid`.

    A file without meta information gets the transfer syntax that its first bytes show: implicit or explicit little
    endian, or explicit big endian. `has_meta` tells which it was. The two SOP UIDs are the meta information's, or ''.
    """

    transfer_syntax_uid: str
    offset: int
    has_meta: bool
    sop_class_uid: str = ""
    sop_instance_uid: str = ""


def find_dataset(stream: BinaryIO) -> DatasetStart:
    """Read past preamble and file meta information, each of which may be missing. Leaves `stream` at the data set."""
    head = stream.read(PREAMBLE_BYTES + len(PREFIX))
    offset = len(head) if head.endswith(PREFIX) and len(head) == PREAMBLE_BYTES + len(PREFIX) else 0
    uids: dict[int, str] = {}
    has_meta = False
    while (element := _read_element_header(stream, offset)) is not None:
        number, value_offset, length = element
        has_meta = True
        if number in (SOP_CLASS_ELEMENT, SOP_INSTANCE_ELEMENT, TRANSFER_SYNTAX_ELEMENT):
            value = stream.read(min(length, LONGEST_UID_BYTES))
            uids[number] = value.decode("ascii", "replace").strip("\0 ")
        offset = value_offset + length
    stream.seek(offset)
    first_bytes = stream.read(6)
    stream.seek(offset)
    return DatasetStart(
        uids.get(TRANSFER_SYNTAX_ELEMENT) or _likely_transfer_syntax(first_bytes),
        offset,
        has_meta,
        sop_class_uid=uids.get(SOP_CLASS_ELEMENT, ""),
        sop_instance_uid=uids.get(SOP_INSTANCE_ELEMENT, ""),
    )


def content_digest(path: Path) -> str:
    """SHA-256, in hexadecimal, over the transfer syntax UID and the data set's bytes. Raises OSError."""
    with path.open("rb") as stream:
        start = find_dataset(stream)
        digest = hashlib.sha256(start.transfer_syntax_uid.encode("ascii", "replace") + b"\0")
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _read_element_header(stream: BinaryIO, offset: int) -> tuple[int, int, int] | None:
    """Element number, where its value begins and how long it is; None when no element of group 0002 is at `offset`.

    The meta information is always explicit little endian (PS3.10 Section 7.1); a few writers made it implicit.
    """
    stream.seek(offset)
    header = stream.read(8)
    if len(header) < 8 or int.from_bytes(header[:2], "little") != META_GROUP:
        return None
    number = int.from_bytes(header[2:4], "little")
    representation = header[4:6]
    if representation in LONG_VALUE_REPRESENTATIONS:
        return number, offset + 12, int.from_bytes(stream.read(4), "little")
    if representation.isalpha() and representation.isupper():
        return number, offset + 8, int.from_bytes(header[6:8], "little")
    return number, offset + 8, int.from_bytes(header[4:8], "little")


def _likely_transfer_syntax(first_bytes: bytes) -> str:
    representation = first_bytes[4:6]
    if not (len(representation) == 2 and representation.isalpha() and representation.isupper()):
        return IMPLICIT_LITTLE_ENDIAN
    group = int.from_bytes(first_bytes[:2], "little")
    return EXPLICIT_BIG_ENDIAN if group >= LOWEST_SWAPPED_GROUP else EXPLICIT_LITTLE_ENDIAN
