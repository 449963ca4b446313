"""The bytes of a delivery, as they go out."""

from dataclasses import replace

from leapfrog.dicom.part10 import Part10Source, part10_source
from leapfrog.dicom.renaming import renamed_source
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.encodings import Encoding
from leapfrog.state.spool import Spool


def source_of(spool: Spool, delivery: DeliveryRecord, encoding: Encoding | None = None) -> Part10Source:
    """How to send `delivery`: its spool file, or that of its copy `encoding`, as a complete DICOM file, under a new UID
    where that is owed. While it is sent, its bytes are compared with their digest, so that damaged ones never arrive
    whole, and are never confirmed.

    Raises StorageError when the file cannot be read, CannotBeRenamed when it cannot be passed on under a new UID.
    """
    file = encoding or delivery
    path = spool.path(file.spool_name or "")
    if delivery.renamed:
        source = renamed_source(path, delivery.sop_instance_uid, file.byte_count)
    else:
        source = part10_source(path, delivery.sop_class_uid, delivery.sop_instance_uid, file.byte_count)
    return replace(source, digest=file.file_digest)
