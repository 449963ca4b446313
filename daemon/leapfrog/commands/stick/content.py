"""One object as it goes on a stick: in the bytes in which it would go over a link, found whole before it goes."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from leapfrog.commands.stick.box import Owed
from leapfrog.dicom.part10 import Part10Source
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.outgoing import source_of
from leapfrog.state.spool import Spool
from leapfrog.stick.parcel import ParcelObject

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Content:
    """A complete DICOM file of `byte_count` bytes that have this SHA-256."""

    delivery: DeliveryRecord
    source: Part10Source
    byte_count: int
    sha256: str

    def entry(self) -> ParcelObject:
        """What a manifest says of it."""
        return ParcelObject(
            delivery_id=self.delivery.id,
            kind=self.delivery.kind,
            sop_class_uid=self.delivery.sop_class_uid,
            sop_instance_uid=self.delivery.sop_instance_uid,
            byte_count=self.byte_count,
            sha256=self.sha256,
            urgent=self.delivery.urgent,
        )

    def pieces(self) -> Iterator[bytes]:
        """Its bytes. Raises StorageError when they are not what was stored any more."""
        return _pieces(self.source)


def content_of(spool: Spool, owed: Owed) -> Content:
    """Read an object through, and say what it is. Raises StorageError when its file is missing or damaged,
    CannotBeRenamed when it cannot be passed on.
    """
    source = source_of(spool, owed.delivery, owed.encoding)
    digest, byte_count = hashlib.sha256(), 0
    for piece in _pieces(source):
        digest.update(piece)
        byte_count += len(piece)
    return Content(owed.delivery, source, byte_count, digest.hexdigest())


def _pieces(source: Part10Source) -> Iterator[bytes]:
    if source.head:
        yield source.head
    yield from source.file_chunks(CHUNK_BYTES)
