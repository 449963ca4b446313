"""Whether what the district holds under a UID is what this box has under it.

A modality may use a UID again, and a server that holds other content under it may answer a store with success and keep
the old pixels (Orthanc does). So an instance that was there before this box sent it is compared: first its metadata,
about 2 kB, then the instance itself, which costs the link what sending costs.
"""

import hashlib
import io
import os
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, cast

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, Element, actual_encoding, walk
from leapfrog.dicom.encoding import Encoding
from leapfrog.dicom.part10 import Part10Source, find_dataset
from leapfrog.dicom.uids import DEFLATED_SYNTAXES, is_forwardable_uid
from leapfrog.errors import StorageError
from leapfrog.filed_number import is_filed_as
from leapfrog.spool_file.content import open_file

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
PATIENT_ID = 0x00100020
ISSUER_OF_PATIENT_ID = 0x00100021
ORIGINAL_ATTRIBUTES = 0x04000561
STUDY_INSTANCE_UID = 0x0020000D
SERIES_INSTANCE_UID = 0x0020000E
NUMBER_OF_FRAMES = 0x00280008
NUMBERS = frozenset((0x00280002, 0x00280010, 0x00280011, 0x00280100))  # samples, rows, columns, bits allocated: US
IDENTITY = (SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID, SERIES_INSTANCE_UID)
TEXTS = frozenset((*IDENTITY, PATIENT_ID, ISSUER_OF_PATIENT_ID, NUMBER_OF_FRAMES))
# What a district of several clinics writes anew when it files an object under the clinic's name.
FILED = frozenset((PATIENT_ID, ISSUER_OF_PATIENT_ID, ORIGINAL_ATTRIBUTES))
# Another value of one of these means another picture. Servers correct names and numbers of patients, but not these.
MEASURES = ("00080016", "00280002", "00280008", "00280010", "00280011", "00280100")
PIXEL_DATA = 0x7FE00010
LONGEST_VALUE_BYTES = 256
CHUNK_BYTES = 1 << 20
BUFFER_BYTES = 1 << 16


@dataclass(frozen=True)
class Place:
    """Where an instance belongs: the study and the series below which DICOMweb names it."""

    study_instance_uid: str
    series_instance_uid: str

    @property
    def series_path(self) -> str:
        """The path of the series below the DICOMweb root."""
        return f"/studies/{self.study_instance_uid}/series/{self.series_instance_uid}"


@dataclass(frozen=True)
class Content:
    """What makes an instance what it is: first values by tag, and digests of its data set and its pixels. `pixels` is
    '' where there are none, or where they cannot be found; then `unfiled` is the digest of all that a district does not
    write anew, else ''.
    """

    transfer_syntax_uid: str = ""
    values: dict[str, str] = field(default_factory=dict)
    dataset: str = ""
    pixels: str = ""
    unfiled: str = ""

    @property
    def place(self) -> Place | None:
        """Its study and series; None where a path cannot name them."""
        study, series = self.values.get("0020000D", ""), self.values.get("0020000E", "")
        return Place(study, series) if is_forwardable_uid(study) and is_forwardable_uid(series) else None

    def differs_in_measures(self, metadata: dict[str, str]) -> bool:
        """Whether `metadata` is that of another picture. What one of the two lacks does not count."""
        both = [(self.values[tag], metadata[tag]) for tag in MEASURES if tag in self.values and tag in metadata]
        return any(ours != theirs for ours, theirs in both)

    def is_same_as(self, other: "Content") -> bool:
        """Whether the district's, `other`, is this: the same bytes, or the same pixels (of what has none: all that it
        says) of the same patient, whose number a district of several clinics may have put behind their issuer.
        """
        if self.transfer_syntax_uid != other.transfer_syntax_uid:
            return False
        identities = [[content.values.get(f"{tag:08X}") for tag in IDENTITY] for content in (self, other)]
        same = (self.pixels, self.unfiled) == (other.pixels, other.unfiled) != ("", "")
        return self.dataset == other.dataset or (
            same and identities[0] == identities[1] and self._has_patient_of(other)
        )

    def _has_patient_of(self, other: "Content") -> bool:
        ours, theirs = (content.values.get(f"{PATIENT_ID:08X}", "") for content in (self, other))
        issuer = other.values.get(f"{ISSUER_OF_PATIENT_ID:08X}", "")
        return is_filed_as(ours, issuer, self.values.get(f"{STUDY_INSTANCE_UID:08X}", ""), theirs)


def place_of(source: Part10Source) -> Place | None:
    """The study and the series of what is sent; None where it does not say, or cannot be read."""
    try:
        with open_source(source) as stream:
            return _read(stream, SERIES_INSTANCE_UID).place
    except OSError:
        return None


def content_of_source(source: Part10Source) -> Content:
    """The content of what is sent. Raises StorageError when it cannot be read."""
    try:
        with open_source(source) as stream:
            return content_of(stream)
    except OSError as problem:
        raise StorageError(f"The spool file {source.path.name} cannot be read: {problem.strerror}.") from problem


class _SourceBytes(io.RawIOBase):
    """The bytes of a source, head and file, for reading anywhere."""

    def __init__(self, source: Part10Source) -> None:
        super().__init__()
        self._source = source
        self._position = 0
        self._file = os.fdopen(open_file(source.path), "rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.byte_count}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer).cast("B")
        head = self._source.head
        if self._position < len(head):
            part = head[self._position : self._position + len(room)]
        else:
            offset = self._position - len(head)
            self._file.seek(self._source.offset + offset)
            part = self._file.read(max(0, min(len(room), self._source.file_bytes - offset)))
        room[: len(part)] = part
        self._position += len(part)
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()


def open_source(source: Part10Source) -> BinaryIO:
    """The complete DICOM file that is sent, for reading anywhere in it. Raises OSError."""
    return cast(BinaryIO, io.BufferedReader(_SourceBytes(source), BUFFER_BYTES))


def content_of(stream: BinaryIO) -> Content:
    """The content of the DICOM file `stream`. Raises nothing but OSError."""
    return _read(stream, None)


def _read(stream: BinaryIO, last_tag: int | None) -> Content:
    stream.seek(0)
    start = find_dataset(stream)
    values: dict[str, str] = {}
    pixels = unfiled = ""
    unchanged = hashlib.sha256()
    if start.transfer_syntax_uid not in DEFLATED_SYNTAXES:
        encoding = actual_encoding(stream, start.offset, start.transfer_syntax_uid)
        with suppress(DatasetTruncated, DatasetMalformed):
            for element in walk(stream, start.offset, encoding):
                if last_tag is not None and element.tag > last_tag:
                    break
                if (value := _value(stream, element, encoding)) is not None:
                    values[f"{element.tag:08X}"] = value
                if element.tag == PIXEL_DATA:
                    pixels = _digest(stream, element.offset, element.end)
                elif last_tag is None and element.tag not in FILED:
                    _add(unchanged, stream, element.start, element.end)
            else:
                unfiled = unchanged.hexdigest() if last_tag is None and not pixels else ""
    size = stream.seek(0, 2)
    dataset = _digest(stream, start.offset, size) if last_tag is None else ""
    return Content(start.transfer_syntax_uid, values, dataset, pixels, unfiled)


def _value(stream: BinaryIO, element: Element, encoding: Encoding) -> str | None:
    if element.length is None or element.tag not in NUMBERS | TEXTS:
        return None
    stream.seek(element.offset)
    value = stream.read(min(element.length, LONGEST_VALUE_BYTES))
    if element.tag in TEXTS:
        return value.decode("latin-1").strip(" \0")
    if len(value) < 2:
        return None
    return str(struct.unpack_from("<H" if encoding.little_endian else ">H", value)[0])


def _digest(stream: BinaryIO, begin: int, end: int) -> str:
    """SHA-256 of these bytes, in hexadecimal."""
    digest = hashlib.sha256()
    _add(digest, stream, begin, end)
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", stream: BinaryIO, begin: int, end: int) -> None:
    stream.seek(begin)
    left = end - begin
    while left > 0 and (chunk := stream.read(min(left, CHUNK_BYTES))):
        digest.update(chunk)
        left -= len(chunk)
