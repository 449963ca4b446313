"""The end of every object that a reader makes for the spool: its record, and what the main process is told of it."""

from dataclasses import dataclass
from typing import BinaryIO

from leapfrog.processes.messages import ProducedObject
from leapfrog.spool_file.content import content_byte_count
from leapfrog.spool_file.digest import digest_of
from leapfrog.spool_file.record import ProducedRole, Production, append_record


@dataclass(frozen=True)
class Purpose:
    """What an object is made as, and of what: an instance, or `version` of a study's report."""

    role: ProducedRole
    study_key: str
    instance_id: str | None = None
    version: int | None = None


def finish(
    stream: BinaryIO,
    name: str,
    purpose: Purpose,
    sop_class_uid: str,
    sop_instance_uid: str,
    series_instance_uid: str,
) -> ProducedObject:
    """Write the record after the content, which is everything in `stream`. Raises OSError."""
    record = Production(
        role=purpose.role,
        study_key=purpose.study_key,
        instance_id=purpose.instance_id,
        version=purpose.version,
        sop_class_uid=sop_class_uid,
        sop_instance_uid=sop_instance_uid,
        series_instance_uid=series_instance_uid,
        byte_count=content_byte_count(stream),
        digest=digest_of(stream),
    )
    append_record(stream, record)
    return ProducedObject(
        name=name,
        role=record.role,
        sop_class_uid=record.sop_class_uid,
        sop_instance_uid=record.sop_instance_uid,
        byte_count=record.byte_count,
        digest=record.digest,
    )
