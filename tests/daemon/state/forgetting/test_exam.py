"""An exam is forgotten wholly or not at all, whatever happens on the way, and stays forgotten."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from leapfrog.dicom.commitment import FailureReason, Reference
from leapfrog.outbox.commitments.safekeeping import Safekeeping
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.folder_files import FolderFiles
from leapfrog.state.forgetting.exam import ExamForgetting
from leapfrog.state.forgetting.holdings import holdings_of
from leapfrog.state.forgotten_list import LIST_NAME, ForgottenList
from leapfrog.state.instances import Instances
from leapfrog.state.journal import JOURNAL_NAME, Journal
from leapfrog.state.known_instances import KnownInstances
from leapfrog.state.records import FolderFile, NewInstance, StudyIdentity
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from support.journal_rows import commit, new_instance, report
from support.spooled import go_through, put_in_spool

STUDY = StudyIdentity(study_instance_uid="1.2.9", patient_id="KV-4711-88")


@dataclass
class Box:
    """A state directory with an exam of two images, and one of another patient."""

    state_dir: Path
    journal: Journal
    spool: Spool
    key: str
    images: list[NewInstance]
    other: NewInstance

    def forget(self) -> None:
        study = Studies(self.journal).get(self.key)
        ExamForgetting(self.journal, self.spool).forget(holdings_of(self.journal, study))

    def restart(self, *, lose_journal: bool = False) -> None:
        """As after a power cut."""
        self.journal.close()
        if lose_journal:
            (self.state_dir / JOURNAL_NAME).unlink()
            for ending in ("-wal", "-shm"):
                (self.state_dir / f"{JOURNAL_NAME}{ending}").unlink(missing_ok=True)
        self.journal = Journal(self.state_dir / JOURNAL_NAME)
        ExamForgetting(self.journal, self.spool).finish()
        go_through(self.journal, self.spool).stop()

    @property
    def ids(self) -> set[str]:
        return {row["id"] for row in self.journal.rows("SELECT id FROM instances")}

    def files_with(self, text: bytes) -> list[str]:
        return [str(path) for path in self.state_dir.rglob("*") if path.is_file() and text in path.read_bytes()]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    journal, spool = Journal(tmp_path / JOURNAL_NAME), Spool(tmp_path / "spool", 0)
    images = [put_in_spool(spool, b"KV-4711-88 %d" % number, new_instance(study=STUDY)) for number in range(2)]
    other = put_in_spool(spool, b"another", new_instance())
    for new in (*images, other):
        Instances(journal).add(new)
        commit(journal, new.id)
    key = str(journal.rows("SELECT study_key FROM instances WHERE id = ?", (images[0].id,))[0]["study_key"])
    (tmp_path / "rendered" / key).mkdir(parents=True)
    (tmp_path / "rendered" / key / "report-1.html").write_text("KV-4711-88")
    made = Box(tmp_path, journal, spool, key, images, other)
    yield made
    made.journal.close()


class Killed(BaseException):
    """The daemon ends here."""


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The daemon ends before the `step`th thing that it does to the disk. Gives the names of those it did."""
    done: list[str] = []

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if len(done) == step:
                raise Killed
            done.append(name)
            return real(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        for owner, name in (
            (os, "write"),
            (os, "fsync"),
            (Path, "rename"),
            (Path, "unlink"),
            (shutil, "rmtree"),
            (Journal, "transaction"),
            (Journal, "empty_log"),
        ):
            patch.setattr(owner, name, counted(name, getattr(owner, name)))
        yield done


def test_wherever_the_daemon_is_killed_the_exam_is_whole_or_forgotten(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, box: Box
) -> None:
    steps = 0
    kept = forgotten = 0
    while True:
        place = tmp_path_factory.mktemp("box")
        shutil.copytree(box.state_dir, place, dirs_exist_ok=True)
        copy = Box(place, Journal(place / JOURNAL_NAME), Spool(place / "spool", 0), box.key, box.images, box.other)
        ended = False
        with killed_at(steps, monkeypatch):
            try:
                copy.forget()
                ended = True
            except Killed:
                pass
        copy.restart()
        if copy.ids == {copy.other.id}:
            forgotten += 1
            assert copy.files_with(b"KV-4711-88") == []
            assert not copy.journal.count("deliveries WHERE study_key = ?", copy.key)
        else:
            kept += 1
            assert copy.ids == {one.id for one in (*box.images, box.other)}
            assert all(copy.spool.path(one.spool_name).is_file() for one in box.images)
            assert (place / "rendered" / copy.key / "report-1.html").is_file()
        copy.journal.close()
        if ended:
            break
        steps += 1
    assert kept
    assert forgotten > 5


def test_what_was_forgotten_is_not_taken_up_with_a_journal_that_is_made_anew(box: Box) -> None:
    kept = box.spool.path(box.images[0].spool_name).read_bytes()
    box.forget()
    box.spool.path(box.images[0].spool_name).write_bytes(kept)
    box.restart(lose_journal=True)
    assert box.ids == {box.other.id}
    assert ForgottenList(box.journal).has(box.images[0].id)
    assert box.files_with(b"KV-4711-88") == []


def test_what_was_forgotten_is_known_to_a_journal_that_comes_from_another_box(box: Box) -> None:
    box.forget()
    (box.state_dir / LIST_NAME).unlink()  # a backup has the journal, and not the file
    box.restart()
    assert (box.state_dir / LIST_NAME).is_file()
    box.restart(lose_journal=True)
    assert ForgottenList(box.journal).has(box.images[0].id)


def test_a_line_of_the_list_that_a_power_cut_tore_forgets_nothing_and_spoils_none(box: Box) -> None:
    (box.state_dir / LIST_NAME).write_bytes(b'{"study_key":"' + box.key.encode() + b'","forgotten_at":"2026')
    box.restart()
    assert len(box.ids) == 3
    box.forget()
    box.restart(lose_journal=True)
    assert box.ids == {box.other.id}


def test_the_file_of_the_journal_and_its_log_do_not_hold_it_any_more(box: Box) -> None:
    box.forget()
    box.journal.close()
    for path in box.state_dir.glob(f"{JOURNAL_NAME}*"):
        assert b"KV-4711-88" not in path.read_bytes()


def test_an_older_copy_of_the_journal_forgets_it_again(box: Box) -> None:
    before = box.state_dir / "before.sqlite"
    box.journal.copy_to(before)
    box.forget()
    box.journal.close()
    shutil.copy(before, box.state_dir / JOURNAL_NAME)
    before.unlink()
    box.restart()
    assert box.ids == {box.other.id}
    assert box.files_with(b"KV-4711-88") == []


def test_what_was_moved_aside_by_a_restore_does_not_keep_its_images(box: Box) -> None:
    former = box.state_dir / "before-restore-20261130-120000" / "spool"
    former.mkdir(parents=True)
    shutil.copy(box.spool.path(box.images[0].spool_name), former)
    shutil.copy(box.spool.path(box.images[1].spool_name), box.spool.aside / f"{box.images[1].id}.dcm.damaged")
    box.forget()
    assert box.files_with(b"KV-4711-88") == []


def test_who_has_what_of_it_is_told(box: Box) -> None:
    deliveries = box.journal.rows("SELECT id FROM deliveries WHERE study_key = ?", (box.key,))
    Deliveries(box.journal).confirm(deliveries[0]["id"])
    box.journal.change("UPDATE deliveries SET posted = 1 WHERE id = ?", deliveries[1]["id"])
    box.journal.change(
        "INSERT INTO exported_parts (export_id, part, destination, public_key, station_key, byte_count, file_sha256,"
        " exported_at) VALUES ('an export', 1, 'district', 'a key', 'a key', 5, 'a digest', '2026-11-30T00:00:00')"
    )
    box.journal.change("INSERT INTO exported VALUES (?, 'an export', 1, 'a digest')", deliveries[1]["id"])
    (one,) = holdings_of(box.journal, Studies(box.journal).get(box.key)).destinations
    assert (one.confirmed, one.perhaps, one.owed, one.on_sticks) == (1, 0, {"original": 1}, 1)
    Deliveries(box.journal).mark_posted(deliveries[1]["id"])
    (one,) = holdings_of(box.journal, Studies(box.journal).get(box.key)).destinations
    assert (one.perhaps, one.on_sticks) == (1, 1)


def test_nobody_is_told_that_an_image_is_safe_which_was_forgotten(box: Box) -> None:
    image = box.images[0]
    reference = Reference(sop_class_uid=image.sop_class_uid, sop_instance_uid=image.sop_instance_uid)
    assert Safekeeping(box.journal, box.spool).reason_against(reference) is None
    box.journal.change("UPDATE deliveries SET state = 'confirmed'")
    box.forget()
    assert Safekeeping(box.journal, box.spool).reason_against(reference) == FailureReason.NO_SUCH_OBJECT_INSTANCE
    known = KnownInstances(box.journal).forgotten(image.sop_instance_uid)
    assert known is not None and known.on_request
    again = put_in_spool(box.spool, b"KV-4711-88 0", new_instance(sop_instance_uid=image.sop_instance_uid))
    Instances(box.journal).add(again)
    assert Safekeeping(box.journal, box.spool).reason_against(reference) is None


def test_a_picture_is_known_in_its_place_and_under_another_name_it_is_another_patients(box: Box) -> None:
    image = box.images[0]
    box.journal.change("UPDATE instances SET picture = '{}' WHERE id = ?", image.id)
    file = FolderFile(path="/in/Doe.png", byte_count=1, modified_ns=1, inode=1, file_digest=image.file_digest)
    FolderFiles(box.journal).remember(file, image.id)
    box.forget()
    known = ForgottenList(box.journal)
    assert known.in_folder("/in/Doe.png", "", STUDY, image.file_digest, is_dicom=False) == image.id
    assert known.in_folder("/in/Roe.png", "", STUDY, image.file_digest, is_dicom=False) is None
    assert known.in_folder("/in/Doe.png", "", STUDY, "another digest", is_dicom=False) is None
    assert b"Doe" not in (box.state_dir / LIST_NAME).read_bytes()


@pytest.mark.parametrize("lose_journal", [False, True])
def test_an_image_that_was_corrected_to_another_patient_is_not_the_forgotten_one(
    box: Box, *, lose_journal: bool
) -> None:
    uid = box.images[0].sop_instance_uid
    box.forget()
    box.restart(lose_journal=lose_journal)
    known = ForgottenList(box.journal)
    other = StudyIdentity(study_instance_uid="1.2.9", patient_id="D-1")
    assert known.in_folder("/in/1.dcm", uid, STUDY, "other bytes", is_dicom=True) == box.images[0].id
    assert known.in_folder("/in/1.dcm", uid, other, "other bytes", is_dicom=True) is None
    assert b"KV-4711-88" not in (box.state_dir / LIST_NAME).read_bytes()


def test_reports_that_have_nothing_to_do_with_it_stay_as_they_are(box: Box) -> None:
    (other_key,) = {row["study_key"] for row in box.journal.rows("SELECT study_key FROM instances")} - {box.key}
    report(box.journal, other_key, 1)
    before = box.journal.rows("SELECT changes, state FROM studies WHERE key = ?", (other_key,))
    box.forget()
    assert [
        tuple(row) for row in box.journal.rows("SELECT changes, state FROM studies WHERE key = ?", (other_key,))
    ] == [tuple(row) for row in before]
    assert isinstance(before[0], sqlite3.Row)
