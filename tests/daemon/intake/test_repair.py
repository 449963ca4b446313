"""A resend is compared with what is really in the spool, and repairs what is missing or damaged."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from leapfrog.intake.instance_header import read_header
from leapfrog.spool_file.content import open_content
from leapfrog.spool_file.record import Arrival, content_holds, read_record
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.records import InstanceRecord
from support.intake_box import Box
from support.journal_rows import commit
from support.raw_peer import data_set, element

META = bytes(128) + b"DICM" + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")
CONTENT = META + data_set("1.2.3")
FROM_ANOTHER_SENDER = bytes(128) + b"DICM" + element(0x00020002, b"UI", b"1.2") + META[132:] + data_set("1.2.3")


def admit(box: Box, content: bytes = CONTENT) -> str:
    incoming = box.spool.incoming / "arriving"
    incoming.write_bytes(content)
    return box.admission.admit_dicom(incoming, read_header(incoming), "test")


def lose(path: Path) -> None:
    path.unlink()


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(CONTENT) - 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: len(CONTENT) // 2])


def stored(box: Box, instance: InstanceRecord) -> bytes:
    with open_content(box.spool.path(instance.spool_name), instance.byte_count) as stream:
        return stream.read()


@pytest.mark.parametrize("harm", [lose, change, cut])
def test_a_resend_repairs_a_file_under_its_own_id(box: Box, harm: Callable[[Path], None]) -> None:
    first = admit(box)
    [before] = box.instances()
    harm(box.spool.path(before.spool_name))
    assert admit(box) == first
    [after] = box.instances()
    assert (after.id, after.spool_name, after.received_at) == (first, before.spool_name, before.received_at)
    assert stored(box, after) == CONTENT
    assert box.spool_files() == {after.spool_name}
    assert box.owed() == [("1.2.3", after.spool_name)]
    record = read_record(box.spool.path(after.spool_name))
    assert isinstance(record, Arrival) and content_holds(box.spool.path(after.spool_name), record)
    assert (record.id, record.received_at, record.source) == (first, before.received_at, "test")


@pytest.mark.parametrize("harm", [None, lose, change, cut])
def test_a_resend_of_what_an_older_leapfrog_took_in_is_known_and_repairs_it(
    box: Box, harm: Callable[[Path], None] | None
) -> None:
    first = admit(box)
    digest = hashlib.sha256(CONTENT).hexdigest()
    box.journal.change("UPDATE instances SET file_digest = ?", digest)
    box.journal.change("UPDATE deliveries SET file_digest = ?", digest)
    [before] = box.instances()
    if harm:
        harm(box.spool.path(before.spool_name))
    assert admit(box) == first
    [after] = box.instances()
    assert stored(box, after) == CONTENT
    assert box.owed() == [("1.2.3", after.spool_name)]


@pytest.mark.parametrize("harm", [lose, change, cut])
def test_once_it_was_read_a_resend_with_another_head_repairs_it_too(box: Box, harm: Callable[[Path], None]) -> None:
    first = admit(box)
    digest = box.digest_of(first)
    commit(box.journal, first, dataset_sha256=digest)
    [before] = box.instances()
    harm(box.spool.path(before.spool_name))
    assert admit(box, FROM_ANOTHER_SENDER) == first
    [after] = box.instances()
    assert stored(box, after) == FROM_ANOTHER_SENDER
    assert (after.byte_count, after.state) == (len(FROM_ANOTHER_SENDER), "read")
    [owed] = Deliveries(box.journal).listed("waiting")
    assert (owed.byte_count, owed.file_digest) == (after.byte_count, after.file_digest)
    assert admit(box) == first, "now its bytes are whole: nothing is to be done"
    assert stored(box, box.instances()[0]) == FROM_ANOTHER_SENDER


def test_what_was_set_aside_or_refused_for_its_damage_is_tried_again_after_the_repair(box: Box) -> None:
    first = admit(box)
    change(box.spool.path(box.instances()[0].spool_name))
    commit(box.journal, first, "set_aside", dataset_sha256="of the damaged bytes")
    [owed] = Deliveries(box.journal).listed("waiting")
    Deliveries(box.journal).refuse(owed.id, "damaged")
    assert admit(box) == first
    assert box.instances()[0].state == "received"
    assert box.journal.counts("deliveries")["waiting"] == 1
    assert len(box.received) == 2, "the lanes and the outbox were woken"


def test_what_was_read_from_damaged_bytes_is_read_again_after_the_repair(box: Box) -> None:
    first = admit(box)
    change(box.spool.path(box.instances()[0].spool_name))
    commit(box.journal, first, "read", dataset_sha256="of the damaged bytes")
    assert admit(box) == first
    assert box.instances()[0].state == "received"


def test_an_image_that_is_whole_is_neither_written_nor_read_again(box: Box) -> None:
    first = admit(box)
    commit(box.journal, first, dataset_sha256=box.digest_of(first))
    path = box.spool.path(box.instances()[0].spool_name)
    before = path.stat()
    assert admit(box) == first
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert box.instances()[0].state == "read"


def test_a_resend_of_what_is_about_to_be_forgotten_begins_its_days_anew(box: Box) -> None:
    admit(box)
    with box.journal.transaction() as connection:
        connection.execute("UPDATE studies SET state = 'quiet', finished_day = 1")
    admit(box)
    [row] = box.journal.rows("SELECT finished_day FROM studies")
    assert row["finished_day"] is None


def test_a_resend_of_what_is_forgotten_while_it_is_compared_is_a_new_instance(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = admit(box)
    whole = box.admission._is_whole

    def forgotten_then(*arguments: object) -> bool:
        monkeypatch.undo()
        with box.journal.transaction() as connection:
            for table in ("deliveries", "instances", "studies"):
                connection.execute(f"DELETE FROM {table}")
        return whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(box.admission, "_is_whole", forgotten_then)
    again = admit(box)
    assert again != first
    record = Instances(box.journal).get(again)
    assert record is not None and stored(box, record) == CONTENT
