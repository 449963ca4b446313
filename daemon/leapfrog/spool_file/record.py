"""What a spool file says of itself: a record after its content, as JSON, and a footer by which it is found.

    content | record (JSON) | length of the record, 4 bytes | SHA-256 of the record, 32 bytes | "LEAPFRG1"

The content is never changed by it: whoever reads a spool file reads only the first `byte_count` bytes. The record is
written before the one fsync that makes the file durable. Files from older versions have none.
"""

import hashlib
import os
import struct
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import AliasChoices, Field, TypeAdapter, ValidationError

from leapfrog.exam import Frozen, PictureHints, PictureIdentity
from leapfrog.spool_file.content import open_content, open_file
from leapfrog.spool_file.digest import digest_of

MAGIC = b"LEAPFRG1"
FOOTER = struct.Struct(">I32s8s")  # length of the record, its SHA-256, MAGIC
LONGEST_RECORD_BYTES = 1 << 20  # a path and every identifier at their longest are a tenth of it

ContentDigest = Annotated[str, Field(validation_alias=AliasChoices("digest", "sha256"))]  # its name in older files
DerivedKind = Literal["structured_report", "report_pdf", "preview", "segmentation", "overlay"]
ProducedRole = Literal["wrapped"] | DerivedKind


class TakenFile(Frozen):
    """The file in a watched folder that an instance was copied from, as it was then."""

    path: str
    byte_count: int
    modified_ns: int
    inode: int


class Arrival(Frozen):
    """The record of a received instance: everything that its rows in the journal are made from.

    `arrival` grows with each instance, whatever the clock does. `forward_as` is the UID that was minted because another
    instance already had its own. A `picture` is not DICOM; its UIDs were minted when it came. `exam_number` is that of
    the exam it belongs to; "" in records of older versions, and until the exam has one.
    """

    record: Literal["arrival"] = "arrival"
    id: str
    arrival: int
    received_at: str
    source: str
    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    exam_number: str = ""
    sop_class_uid: str
    sop_instance_uid: str
    forward_as: str | None
    picture: PictureIdentity | None
    hints: PictureHints
    taken_file: TakenFile | None
    byte_count: int
    digest: ContentDigest


class Production(Frozen):
    """The record of an object that a reader made, of an instance or, where `instance_id` is None, of `version` of a
    study's report. A delivery owes it. `series_instance_uid` is "" in records of older versions.
    """

    record: Literal["production"] = "production"
    role: ProducedRole
    study_key: str
    instance_id: str | None
    version: int | None
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str = ""
    byte_count: int
    digest: ContentDigest


class Reencoding(Frozen):
    """The record of an object in another transfer syntax, made for the way out. It is owed as `sop_instance_uid`, and
    can be made again.
    """

    record: Literal["reencoding"] = "reencoding"
    sop_instance_uid: str
    transfer_syntax_uid: str
    byte_count: int
    digest: ContentDigest


SpoolRecord = Annotated[Arrival | Production | Reencoding, Field(discriminator="record")]
_RECORD: TypeAdapter[Arrival | Production | Reencoding] = TypeAdapter(SpoolRecord)


def append_record(stream: BinaryIO, record: Arrival | Production | Reencoding) -> None:
    """Write `record` and its footer at the end of the content, where `stream` must be. Raises OSError."""
    stream.write(_written(record))


def replace_record(path: Path, record: Arrival | Production | Reencoding) -> None:
    """Give the file `path` another record, durably. One that is longer than the old one, as when something is added to
    it, takes its place in one write: a kill leaves the one or the other. Raises OSError.
    """
    written = _written(record)
    with path.open("r+b", buffering=0) as stream:
        stream.seek(record.byte_count)
        while written:
            written = written[stream.write(written) :]
        stream.truncate()
        os.fsync(stream.fileno())


def _written(record: Arrival | Production | Reencoding) -> bytes:
    text = record.model_dump_json().encode()
    return text + FOOTER.pack(len(text), hashlib.sha256(text).digest(), MAGIC)


def read_record(path: Path) -> Arrival | Production | Reencoding | None:
    """The record of the spool file `path`. None when it has none, or none that holds: its own digest is wrong, or it
    does not follow directly on the content. The content itself is not looked at. Raises OSError.
    """
    with os.fdopen(open_file(path), "rb") as stream:
        end = stream.seek(0, 2)
        if end < FOOTER.size:
            return None
        stream.seek(end - FOOTER.size)
        length, digest, magic = FOOTER.unpack(stream.read(FOOTER.size))
        start = end - FOOTER.size - length
        if magic != MAGIC or length > LONGEST_RECORD_BYTES or start < 0:
            return None
        stream.seek(start)
        text = stream.read(length)
    if hashlib.sha256(text).digest() != digest:
        return None
    try:
        record = _RECORD.validate_json(text)
    except ValidationError:  # from a newer version
        return None
    return record if record.byte_count == start else None


def content_holds(path: Path, record: Arrival | Production | Reencoding) -> bool:
    """Whether the content of `path` is still what `record` says. Reads all of it. Raises OSError."""
    with open_content(path, record.byte_count) as stream:
        return digest_of(stream, record.digest) == record.digest
