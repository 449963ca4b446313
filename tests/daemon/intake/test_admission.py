"""The one way in: durable, known and owed, or not at all."""

import threading
from collections.abc import Callable

import pytest

from leapfrog.dicom.part10 import content_digest
from leapfrog.dicom.uids import mint_uid
from leapfrog.errors import DiskFull, JournalError, StorageError
from leapfrog.exam import Identity, ImageHeader, ImageReading, PictureHints, PictureIdentity
from leapfrog.intake.instance_header import read_header
from leapfrog.state.folder_files import FolderFiles
from leapfrog.state.instances import Instances
from leapfrog.state.records import CommittedReading, FolderFile
from support.intake_box import Box
from support.raw_peer import data_set, element
from support.spooled import content_of, go_through

META = bytes(128) + b"DICM" + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")


def admit(box: Box, content: bytes, name: str = "arriving", folder_file: FolderFile | None = None) -> str:
    incoming = box.spool.incoming / name
    incoming.write_bytes(content)
    return box.admission.admit_dicom(incoming, read_header(incoming), "test", folder_file)


def test_an_instance_is_in_spool_and_journal_and_owed(box: Box) -> None:
    content = META + data_set("1.2.3")
    admitted = admit(box, content)
    [instance] = box.instances()
    assert (instance.id, instance.state, instance.sop_instance_uid) == (admitted, "received", "1.2.3")
    assert content_of(box.spool, instance) == content
    assert box.spool_files() == {instance.spool_name}
    assert box.owed() == [("1.2.3", instance.spool_name)]
    assert len(box.received) == 1


def test_nothing_is_owed_without_a_district(new_box: Callable[..., Box]) -> None:
    box = new_box(owed=False)
    admit(box, META + data_set("1.2.3"))
    assert box.owed() == []


def test_an_instance_without_uids_is_kept_and_cannot_be_owed(box: Box) -> None:
    for name in "ab":
        admit(box, META + element(0x00100020, b"LO", b"P1"), name)
    first, second = box.instances()
    assert first.study_key != second.study_key
    assert box.owed() == []


def test_the_same_content_again_is_kept_once(box: Box) -> None:
    first = admit(box, META + data_set("1.2.3"))
    other_meta = bytes(128) + b"DICM" + element(0x00020002, b"UI", b"1.2") + META[132:]
    assert admit(box, other_meta + data_set("1.2.3")) == first
    assert len(box.instances()) == len(box.spool_files()) == len(box.received) == 1


def test_other_content_under_the_same_uid_is_kept_and_forwarded_under_a_new_one(box: Box) -> None:
    admit(box, META + data_set("1.2.3", pixels=b"first "))
    for _ in range(2):  # the second time it is the same content again
        admit(box, META + data_set("1.2.3", pixels=b"second"))
    first, second = box.instances()
    assert first.forward_as is None
    assert second.sop_instance_uid == "1.2.3"
    assert second.forward_as is not None
    assert second.forward_as.startswith("2.25.")
    assert len(second.forward_as) <= 64
    assert box.owed() == [("1.2.3", first.spool_name), (second.forward_as, None)]
    assert box.spool_files() == {first.spool_name, second.spool_name}


def test_a_noted_digest_is_enough_to_know_the_same_content(box: Box) -> None:
    admitted = admit(box, META + data_set("1.2.3"))
    [instance] = box.instances()
    digest = content_digest(box.spool.path(instance.spool_name), instance.byte_count)
    reading = ImageReading(
        instance_id=instance.id,
        sop_instance_uid="1.2.3",
        source="test",
        identity=Identity(),
        header=ImageHeader(),
        outcome="not_assessed",
    )
    Instances(box.journal).commit_reading(
        CommittedReading(instance_id=instance.id, state="read", reading=reading, dataset_sha256=digest)
    )
    box.spool.remove(instance.spool_name)
    assert admit(box, META + data_set("1.2.3")) == admitted
    assert len(box.instances()) == 1


def test_when_nothing_proves_the_same_content_both_are_kept(box: Box) -> None:
    first = admit(box, META + data_set("1.2.3"))
    box.spool.remove(box.instances()[0].spool_name)
    other_meta = bytes(128) + b"DICM" + element(0x00020002, b"UI", b"1.2") + META[132:]
    assert admit(box, other_meta + data_set("1.2.3")) != first
    assert len(box.instances()) == 2


def test_the_same_instance_from_many_sides_at_once_is_kept_once(box: Box) -> None:
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda name=name: ids.append(admit(box, META + data_set("1.2.3"), name)))
        for name in "abcdefgh"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == len(box.instances()) == len(box.received) == len(box.spool_files()) == 1


def test_a_uid_that_no_server_could_hold_is_forwarded_under_a_new_one(box: Box) -> None:
    uid = "1." + "9" * 80
    admit(box, META + data_set(uid))
    [instance] = box.instances()
    assert instance.sop_instance_uid == uid
    assert instance.forward_as is not None
    assert [name for name in box.spool_files() if uid in name] == []


def test_a_full_disk_is_refused_and_nothing_is_kept(new_box: Callable[..., Box]) -> None:
    box = new_box(min_free_bytes=1 << 60)
    with pytest.raises(DiskFull):
        admit(box, META + data_set("1.2.3"))
    assert box.instances() == []
    assert box.spool_files() <= {"incoming/arriving"}


def test_without_its_row_the_file_is_not_kept_either(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise JournalError("no")

    monkeypatch.setattr(Instances, "add", refuse)
    with pytest.raises(JournalError):
        admit(box, META + data_set("1.2.3"))
    assert box.spool_files() == set()


def test_after_a_failed_write_of_the_journal_the_file_waits_for_the_next_start(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        box.journal.broken = True
        raise StorageError("the disk failed")

    monkeypatch.setattr(Instances, "add", fail)
    with pytest.raises(StorageError):
        admit(box, META + data_set("1.2.3"))
    assert len(box.spool_files()) == 1  # its row may have reached the disk
    monkeypatch.undo()
    go_through(box.journal, box.spool)
    [instance] = box.instances()
    assert box.spool_files() == {instance.spool_name}
    assert admit(box, META + data_set("1.2.3"), "again") == instance.id


def test_a_picture_is_known_by_its_minted_uid_and_owed_only_once_it_is_wrapped(box: Box) -> None:
    incoming = box.spool.incoming / "picture"
    incoming.write_bytes(b"\x89PNG\r\n\x1a\n")
    identity = PictureIdentity(
        patient_id="P1", study_instance_uid=mint_uid(), series_instance_uid=mint_uid(), sop_instance_uid=mint_uid()
    )
    hints = PictureHints(modality="US")
    box.admission.admit_picture(incoming, identity, hints, "test")
    [instance] = box.instances()
    assert (instance.picture, instance.hints) == (identity, hints)
    assert instance.sop_instance_uid == identity.sop_instance_uid
    assert instance.spool_name == f"{instance.id}.picture"
    assert box.owed() == []


def test_a_folder_file_is_remembered_with_its_instance_also_when_it_is_a_repetition(box: Box) -> None:
    files = [FolderFile(path=f"/inbox/{name}", byte_count=1, modified_ns=2, inode=3) for name in "ab"]
    for file in files:
        admit(box, META + data_set("1.2.3"), folder_file=file)
    assert sorted(FolderFiles(box.journal).all(), key=lambda file: file.path) == files
