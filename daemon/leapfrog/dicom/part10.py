"""The part of a DICOM file before its data set (PS3.10 Section 7): where it ends, how to add a missing one, and a
digest that ignores it.

Old machines write files without preamble, without file meta information, or without both. They are stored as received;
the missing part is added here when they are sent. Only the standard library is needed.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from leapfrog.dicom.elements import DatasetTruncated, Element, ElementReader
from leapfrog.dicom.encoding import EXPLICIT_LITTLE, is_value_representation
from leapfrog.dicom.uids import (
    EXPLICIT_BIG_ENDIAN,
    EXPLICIT_LITTLE_ENDIAN,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    IMPLICIT_LITTLE_ENDIAN,
)
from leapfrog.errors import StorageError
from leapfrog.spool_file.checked import checked_chunks
from leapfrog.spool_file.content import content_byte_count, open_content

PREAMBLE_BYTES = 128
PREFIX = b"DICM"
META_GROUP = 0x0002
META_GROUP_LENGTH = 0x00020000
META_VERSION = 0x00020001
SOP_CLASS = 0x00020002
SOP_INSTANCE = 0x00020003
TRANSFER_SYNTAX = 0x00020010
IMPLEMENTATION_CLASS = 0x00020012
IMPLEMENTATION_VERSION = 0x00020013
LONGEST_UID_BYTES = 64
MOST_META_ELEMENTS = 1000  # real files have about 10; one that never ends must not hold up others
LOWEST_SWAPPED_GROUP = 0x0400  # group 0x0008 of a big-endian file reads as 0x0800
CHUNK_BYTES = 1 << 18  # more are no quicker, and memory that is taken and given back each time


@dataclass(frozen=True)
class DatasetStart:
    """The data set begins at byte `offset` and is encoded in `transfer_syntax_uid`.

    `has_preamble` says whether preamble and prefix are there, `has_meta` whether the meta information is. Without meta
    information, the transfer syntax is guessed from the data set's first bytes: implicit or explicit little endian, or
    explicit big endian. The two SOP UIDs are those of the meta information, or ''.
    """

    transfer_syntax_uid: str
    offset: int
    has_preamble: bool
    has_meta: bool
    sop_class_uid: str = ""
    sop_instance_uid: str = ""


def find_dataset(stream: BinaryIO) -> DatasetStart:
    """Read past preamble and file meta information, each of which may be missing. Leaves `stream` at the data set."""
    head = stream.read(PREAMBLE_BYTES + len(PREFIX))
    has_preamble = head[PREAMBLE_BYTES:] == PREFIX
    offset = len(head) if has_preamble else 0
    uids: dict[int, str] = {}
    has_meta = False
    for element in _meta_elements(stream, offset):
        has_meta, offset = True, element.end
        if element.tag in (SOP_CLASS, SOP_INSTANCE, TRANSFER_SYNTAX):
            stream.seek(element.offset)
            value = stream.read(min(element.end - element.offset, LONGEST_UID_BYTES))
            # A second meta information, as some gateways add, does not describe the data set: the first value counts.
            uids.setdefault(element.tag, value.decode("ascii", "replace").strip("\0 "))
    stream.seek(offset)
    first_bytes = stream.read(6)
    stream.seek(offset)
    return DatasetStart(
        uids.get(TRANSFER_SYNTAX) or _likely_transfer_syntax(first_bytes),
        offset,
        has_preamble,
        has_meta,
        sop_class_uid=uids.get(SOP_CLASS, ""),
        sop_instance_uid=uids.get(SOP_INSTANCE, ""),
    )


def _meta_elements(stream: BinaryIO, offset: int) -> Iterator[Element]:
    """The file meta information: explicit little endian (PS3.10 Section 7.1), which a few writers made implicit. What
    is beyond the first MOST_META_ELEMENTS counts as the data set, which then is none.
    """
    reader = ElementReader(stream)
    with suppress(DatasetTruncated):  # nothing follows, or too little to be an element
        for _ in range(MOST_META_ELEMENTS):
            element = reader.read(offset, explicit=True)
            if element.tag >> 16 != META_GROUP:
                return
            yield element
            offset = element.end


def _likely_transfer_syntax(first_bytes: bytes) -> str:
    if not is_value_representation(first_bytes[4:6]):
        return IMPLICIT_LITTLE_ENDIAN
    group = int.from_bytes(first_bytes[:2], "little")
    return EXPLICIT_BIG_ENDIAN if group >= LOWEST_SWAPPED_GROUP else EXPLICIT_LITTLE_ENDIAN


def content_digest(path: Path, byte_count: int | None = None) -> str:
    """SHA-256, in hexadecimal, over the transfer syntax UID and the data set's bytes, in the first `byte_count` bytes
    of the file or in all. Raises OSError.

    Different receivers put different preambles and meta information before the same data set. So "the same content"
    means the same transfer syntax and the same bytes after the meta information.
    """
    with open_content(path, byte_count) as stream:
        start = find_dataset(stream)
        digest = hashlib.sha256(start.transfer_syntax_uid.encode("ascii", "replace") + b"\0")
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def file_head(sop_class_uid: bytes, sop_instance_uid: bytes, transfer_syntax_uid: bytes) -> bytes:
    """Preamble and file meta information to put before a data set that has none."""
    element = EXPLICIT_LITTLE.element
    meta = (
        element(META_VERSION, b"OB", b"\x00\x01")
        + element(SOP_CLASS, b"UI", sop_class_uid)
        + element(SOP_INSTANCE, b"UI", sop_instance_uid)
        + element(TRANSFER_SYNTAX, b"UI", transfer_syntax_uid)
        + element(IMPLEMENTATION_CLASS, b"UI", IMPLEMENTATION_CLASS_UID.encode())
        + element(IMPLEMENTATION_VERSION, b"SH", IMPLEMENTATION_VERSION_NAME.encode())
    )
    return bytes(PREAMBLE_BYTES) + PREFIX + element(META_GROUP_LENGTH, b"UL", len(meta).to_bytes(4, "little")) + meta


@dataclass(frozen=True)
class Part10Source:
    """A complete DICOM file in two parts: `head`, then `file_bytes` bytes of `path` from `offset` on. The content of
    `path`, which ends with these, has the digest `digest`; "" where it is not known.
    """

    path: Path
    head: bytes
    offset: int
    file_bytes: int
    digest: str = ""

    @property
    def byte_count(self) -> int:
        """Length of the complete DICOM file."""
        return len(self.head) + self.file_bytes

    def file_chunks(self, chunk_bytes: int) -> Iterator[bytes]:
        """The second part. Raises StorageError before its last chunk when the file's content is not what was stored."""
        return checked_chunks(self.path, self.offset, self.offset + self.file_bytes, self.digest, chunk_bytes)


def part10_source(path: Path, sop_class_uid: str, sop_instance_uid: str, byte_count: int | None = None) -> Part10Source:
    """How to send the first `byte_count` bytes of the file `path`, or all. The UIDs go into the file meta information
    if the file has none.

    Raises StorageError when the file cannot be read or is shorter.
    """
    try:
        with open_content(path, byte_count) as stream:
            start = find_dataset(stream)
            size = content_byte_count(stream)
    except OSError as problem:
        raise StorageError(f"The spool file {path.name} cannot be read: {problem.strerror}.") from problem
    if byte_count is not None and size < byte_count:
        raise StorageError(f"The spool file {path.name} is damaged: it has become shorter.")
    if start.has_meta:
        head = b"" if start.has_preamble else bytes(PREAMBLE_BYTES) + PREFIX
        return Part10Source(path, head, 0, size)
    head = file_head(*(uid.encode() for uid in (sop_class_uid, sop_instance_uid, start.transfer_syntax_uid)))
    return Part10Source(path, head, start.offset, size - start.offset)
