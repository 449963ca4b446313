"""Spool files under test: content with its record, as intake and readers write them."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from leapfrog.spool_file.content import open_content
from leapfrog.spool_file.digest import digest_of
from leapfrog.spool_file.record import read_record
from leapfrog.state.arrivals import record_of
from leapfrog.state.exam_numbers import ExamNumbers
from leapfrog.state.journal import Journal
from leapfrog.state.recipients import Recipients
from leapfrog.state.records import InstanceRecord, NewInstance
from leapfrog.state.spool import Spool
from leapfrog.state.start.adoption import Adoption, RenderedReport
from leapfrog.state.start.opening import Opening
from support.destinations import a_district
from support.waiting import wait_until


def put_in_spool(spool: Spool, content: bytes, new: NewInstance) -> NewInstance:
    """Make `content` the durable spool file of `new`. Returns `new` with the content's size and digest."""
    new = replace(new, byte_count=len(content), file_digest=digest_of(io.BytesIO(content)))
    arriving = spool.incoming / new.id
    arriving.write_bytes(content)
    spool.adopt(arriving, new.spool_name, record_of(new))
    return new


def content_of(spool: Spool, instance: InstanceRecord) -> bytes:
    """What was received, without the record that follows it in the spool."""
    with open_content(spool.path(instance.spool_name), instance.byte_count) as stream:
        return stream.read()


def without_record(path: Path) -> Path:
    """The file, cut to its content: what other programs are given of it."""
    record = read_record(path)
    assert record is not None
    with path.open("r+b") as stream:
        stream.truncate(record.byte_count)
    return path


def go_through(
    journal: Journal,
    spool: Spool,
    *,
    opening: Opening = Opening(in_order=False),  # noqa: B008 - frozen
    rendered: Callable[[str], RenderedReport | None] = lambda _key: None,
    owed: bool = True,
    recipients: Recipients | None = None,
    numbers: ExamNumbers | None = None,
) -> Adoption:
    """What a start does with the spool, to its end; with `numbers` of its own, and to the district alone, unless
    others are given.
    """
    adoption = Adoption(
        journal=journal,
        spool=spool,
        numbers=numbers or ExamNumbers(journal, spool.directory.parent, settled=opening.in_order),
        recipients=recipients or Recipients((a_district(),) if owed else ()),
        rendered=rendered,
        opening=opening,
        on_adopted=lambda: None,
    )
    adoption.start()
    try:
        wait_until(adoption.finished, "the start has gone through the spool", deadline_seconds=60)
    finally:
        adoption.stop()
    return adoption
