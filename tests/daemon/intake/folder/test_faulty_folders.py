"""A watched folder that fails, hangs or is gone harms nothing but itself, is named, and is taken up again by itself."""

import errno
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.intake.folder import watched_folder
from leapfrog.intake.folder.watcher import FolderWatcher
from leapfrog.problem import Problem
from leapfrog.state.folder_files import FolderFiles
from support.capabilities import bound_by_file_modes
from support.faulty_folder import Doing, FaultyFolder, why_not
from support.intake_box import Box, wait_for_scans
from support.picture_files import png
from support.raw_peer import data_set, element
from support.spooled import content_of
from support.waiting import wait_until

META = bytes(128) + b"DICM" + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")
PATIENT_SECONDS = 60.0  # the machine may be busy
STOP_SECONDS = 15.0  # a daemon that is told to stop has a minute (systemd/leapfrog.service)


@pytest.fixture
def share(tmp_path: Path) -> Iterator[FaultyFolder]:
    if reason := why_not():
        pytest.skip(reason)
    with FaultyFolder(tmp_path / "faulty") as folder:
        yield folder


@pytest.fixture(autouse=True)
def soon_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_folder, "SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(watched_folder, "GLANCE_SECONDS", 0.2)


def taken(box: Box, *uids: str) -> None:
    def look() -> bool:
        return {instance.sop_instance_uid for instance in box.instances()} >= set(uids)

    wait_until(look, f"{uids} are taken", deadline_seconds=PATIENT_SECONDS)


def trouble(watcher: FolderWatcher, words: str) -> Problem:
    def look() -> Problem | None:
        return next((problem for problem in watcher.problems() if words in problem.what), None)

    return wait_until(look, f"a problem that says: {words}", deadline_seconds=PATIENT_SECONDS)


def all_well(watcher: FolderWatcher) -> None:
    wait_until(lambda: watcher.problems() == (), "no problem is left", deadline_seconds=PATIENT_SECONDS)


def drop(folder: Path, uid: str) -> None:
    (folder / f"{uid}.dcm").write_bytes(META + data_set(uid))


@pytest.mark.root
@pytest.mark.parametrize(
    ("doing", "error", "words"),
    [
        ("stat", errno.ESTALE, "Stale file handle"),
        ("list", errno.EIO, "Input/output error"),
        ("list", errno.EACCES, "may not look into"),
        ("open", errno.EIO, "cannot be looked at"),
        ("read", errno.EIO, "cannot be looked at"),
        ("stat", "hang", "does not answer"),
        ("list", "hang", "does not answer"),
        ("open", "hang", "does not answer"),
        ("read", "hang", "does not answer"),
    ],
)
def test_a_folder_that_fails_is_named_and_others_go_on(
    box: Box, share: FaultyFolder, doing: Doing, error: int, words: str
) -> None:
    name = "1.2.1.dcm" if doing in ("open", "read") else "*"
    share.fail(doing, error, name)
    watcher = box.watcher(paths=(share.mount, box.inbox))
    drop(share.backing, "1.2.1")
    problem = trouble(watcher, words)
    assert str(share.mount) in problem.what
    assert "1.2.1" not in problem.text, "a file may be named after a patient"
    assert problem.since
    assert problem.remedy
    drop(box.inbox, "1.2.2")
    taken(box, "1.2.2")
    assert time.monotonic() - watcher.heartbeat() < 5, "the daemon sees no reason to end"
    assert len(box.instances()) == 1
    share.behave()
    taken(box, "1.2.1")
    all_well(watcher)


@pytest.mark.root
def test_a_folder_that_begins_to_hang_later_does_not_hold_up_a_stop(box: Box, share: FaultyFolder) -> None:
    watcher = box.watcher(paths=(share.mount, box.inbox))
    drop(share.backing, "1.2.1")
    taken(box, "1.2.1")
    share.fail("*", "hang")
    trouble(watcher, "does not answer")
    started = time.monotonic()
    watcher.stop()
    assert time.monotonic() - started < STOP_SECONDS
    assert list(box.spool.incoming.iterdir()) == []


@pytest.mark.root
def test_what_hangs_in_the_middle_of_a_copy_is_copied_later(box: Box, share: FaultyFolder) -> None:
    content = META + data_set("1.2.1", pixels=bytes(range(1, 201)) * 50_000)
    (share.backing / "a.dcm").write_bytes(content)
    share.fail("read", "hang", "a.dcm")
    watcher = box.watcher(paths=(share.mount,))
    trouble(watcher, "does not answer")
    watcher.stop()
    assert box.spool_files() == set()
    share.behave()
    box.watcher(paths=(share.mount,))
    taken(box, "1.2.1")
    assert content_of(box.spool, box.instances()[0]) == content


@pytest.mark.root
def test_a_share_that_is_mounted_again_over_one_that_hangs_is_looked_at(
    box: Box, share: FaultyFolder, tmp_path: Path
) -> None:
    watcher = box.watcher(paths=(share.mount,))
    wait_for_scans(watcher, 1)
    share.fail("*", "hang")
    trouble(watcher, "does not answer")
    (tmp_path / "other").mkdir()
    drop(tmp_path / "other", "1.2.3")
    subprocess.run(["mount", "--bind", str(tmp_path / "other"), str(share.mount)], check=True)
    try:
        taken(box, "1.2.3")
        all_well(watcher)
    finally:
        watcher.stop()
        subprocess.run(["umount", "--lazy", str(share.mount)], check=True)


@pytest.mark.root
def test_a_mount_whose_other_side_died_is_named_and_taken_up_when_it_is_back(box: Box, share: FaultyFolder) -> None:
    (share.backing / "a.png").write_bytes(png())
    watcher = box.watcher(paths=(share.mount,))
    wait_until(lambda: len(box.instances()) == 1, "the picture is taken", deadline_seconds=PATIENT_SECONDS)
    share.lose_server()
    assert "mount" in trouble(watcher, "lost its other side").remedy
    share.disconnect()
    share.connect()
    drop(share.backing, "1.2.1")
    taken(box, "1.2.1")
    all_well(watcher)
    assert len(box.instances()) == 2, "the picture is not new"


@pytest.mark.root
def test_where_the_system_reports_nothing_scanning_finds_everything(box: Box, share: FaultyFolder) -> None:
    watcher = box.watcher(paths=(share.mount,))
    wait_for_scans(watcher, 1)
    (share.backing / "new").mkdir()
    drop(share.backing / "new", "1.2.1")
    taken(box, "1.2.1")


@pytest.mark.root
def test_one_file_whose_stat_fails_does_not_hide_the_others(box: Box, share: FaultyFolder) -> None:
    for uid in ("1.2.1", "1.2.2", "1.2.3"):
        drop(share.backing, uid)
    share.fail("stat", errno.EIO, "1.2.2.dcm")
    watcher = box.watcher(paths=(share.mount,))
    taken(box, "1.2.1", "1.2.3")
    trouble(watcher, "cannot be looked at")
    wait_for_scans(watcher)
    assert len(FolderFiles(box.journal).all()) == 2
    share.behave()
    taken(box, "1.2.2")
    all_well(watcher)


def test_a_folder_under_a_closed_one_is_named_and_taken_up_when_it_is_opened(box: Box, tmp_path: Path) -> None:
    parent = tmp_path / "ward"
    (parent / "inbox").mkdir(parents=True)
    drop(parent / "inbox", "1.2.1")
    parent.chmod(0)
    with bound_by_file_modes():
        watcher = box.watcher(paths=(parent / "inbox", box.inbox))
    problem = trouble(watcher, "may not look into")
    assert "above it" in problem.remedy
    drop(box.inbox, "1.2.2")
    taken(box, "1.2.2")
    parent.chmod(0o755)
    taken(box, "1.2.1")
    all_well(watcher)


def test_a_folder_that_is_deleted_or_replaced_by_a_file_is_taken_up_when_it_is_made_again(
    box: Box, tmp_path: Path
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    drop(room, "1.2.1")
    (room / "a.png").write_bytes(png())
    watcher = box.watcher(paths=(room,))
    wait_until(lambda: len(box.instances()) == 2, "both are taken", deadline_seconds=PATIENT_SECONDS)
    room.rename(tmp_path / "away")
    trouble(watcher, "is not there")
    room.write_text("no folder")
    trouble(watcher, "is not a folder")
    room.unlink()
    shutil.copytree(tmp_path / "away", room)
    drop(room, "1.2.2")
    taken(box, "1.2.2")
    all_well(watcher)
    wait_for_scans(watcher)
    assert len(box.instances()) == 3, "nothing was forgotten meanwhile"


def test_a_folder_that_was_made_again_is_reported_by_the_system_again(box: Box, tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    watcher = box.watcher(paths=(room,))
    wait_for_scans(watcher)
    room.rmdir()
    trouble(watcher, "is not there")
    room.mkdir()
    all_well(watcher)
    wait_for_scans(watcher)
    watcher.stop()
    hinted = box.watcher(paths=(room,), rescan_seconds=3600)
    wait_for_scans(hinted, 1)
    drop(room, "1.2.1")
    taken(box, "1.2.1")


def test_a_scanner_that_is_killed_is_started_again(box: Box) -> None:
    watcher = box.watcher()
    wait_for_scans(watcher, 1)
    [folder] = watcher._folders
    assert folder._child is not None
    os.kill(folder._child.pid, 9)
    drop(box.inbox, "1.2.1")
    taken(box, "1.2.1")
    all_well(watcher)
