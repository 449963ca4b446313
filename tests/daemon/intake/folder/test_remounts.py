"""After a remount nothing is new: path, size, time and content identify a file, and its inode is a hint."""

import hashlib
import io
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from leapfrog.spool_file.digest import digest_of
from leapfrog.state.folder_files import FolderFiles
from leapfrog.state.records import FolderFile
from support.faulty_folder import FaultyFolder, why_not
from support.intake_box import Box, wait_for_scans
from support.picture_files import png
from support.spooled import content_of
from support.waiting import wait_until

PICTURES = {f"{number}.png": png(bytes([number] * 8)) for number in range(1, 6)}
HOUR = 3600.0  # seconds
PATIENT_SECONDS = 60.0  # the machine may be busy


@pytest.fixture
def share(tmp_path: Path) -> Iterator[FaultyFolder]:
    if reason := why_not():
        pytest.skip(reason)
    with FaultyFolder(tmp_path / "faulty") as folder:
        for name, content in PICTURES.items():
            (folder.backing / name).write_bytes(content)
        yield folder


def taken(box: Box, count: int) -> None:
    wait_until(lambda: len(box.instances()) >= count, f"{count} pictures", deadline_seconds=PATIENT_SECONDS)


def files(box: Box) -> dict[str, FolderFile]:
    return {Path(file.path).name: file for file in FolderFiles(box.journal).all()}


def wait_until_known_as(box: Box, path: Path) -> None:
    """Every file is remembered with the inode and time that it has now."""

    def look() -> bool:
        now = {found.name: found.stat() for found in path.iterdir()}
        return {name: (file.inode, file.modified_ns) for name, file in files(box).items()} == {
            name: (status.st_ino, status.st_mtime_ns) for name, status in now.items()
        }

    wait_until(look, "the present inodes and times are remembered", deadline_seconds=PATIENT_SECONDS)


@pytest.mark.root
@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("shift_seconds", [0.0, -1.5, HOUR, -5.5 * HOUR])
def test_other_inodes_and_times_make_no_picture_new(
    box: Box, share: FaultyFolder, restart: bool, shift_seconds: float
) -> None:
    watcher = box.watcher(paths=(share.mount,))
    taken(box, len(PICTURES))
    before = files(box)
    if restart:
        watcher.stop()
    share.disconnect()
    if not restart:
        wait_for_scans(watcher)
    share.renumber(inodes=1 << 20, shift_seconds=shift_seconds)
    share.connect()
    watcher = box.watcher(paths=(share.mount,)) if restart else watcher
    wait_until_known_as(box, share.mount)
    wait_for_scans(watcher)
    assert len(box.instances()) == len(PICTURES)
    assert {name: file.file_digest for name, file in files(box).items()} == {
        name: file.file_digest for name, file in before.items()
    }


@pytest.mark.root
def test_another_picture_of_the_same_size_and_time_is_new_after_a_remount(box: Box, share: FaultyFolder) -> None:
    box.watcher(paths=(share.mount,)).stop()
    watcher = box.watcher(paths=(share.mount,))
    taken(box, len(PICTURES))
    watcher.stop()
    share.disconnect()
    (share.backing / "1.png").write_bytes(png(bytes([99] * 8)).ljust(len(PICTURES["1.png"]))[: len(PICTURES["1.png"])])
    share.renumber(inodes=1 << 20)
    share.connect()
    box.watcher(paths=(share.mount,))
    taken(box, len(PICTURES) + 1)


@pytest.mark.root
def test_rows_of_an_older_journal_that_know_no_content_are_recognised_by_size_and_time(
    box: Box, share: FaultyFolder
) -> None:
    watcher = box.watcher(paths=(share.mount,))
    taken(box, len(PICTURES))
    watcher.stop()
    FolderFiles(box.journal).update([replace(file, file_digest="") for file in files(box).values()])
    share.disconnect()
    share.renumber(inodes=1 << 20, shift_seconds=HOUR)
    share.connect()
    watcher = box.watcher(paths=(share.mount,))
    wait_until_known_as(box, share.mount)
    wait_for_scans(watcher)
    assert len(box.instances()) == len(PICTURES)
    assert all(file.file_digest for file in files(box).values()), "the content is known from now on"


@pytest.mark.root
def test_what_was_taken_before_a_remount_is_still_put_away_after_it(box: Box, share: FaultyFolder) -> None:
    watcher = box.watcher(paths=(share.mount,))
    taken(box, len(PICTURES))
    watcher.stop()
    share.disconnect()
    share.renumber(inodes=1 << 20)
    share.connect()
    box.watcher(paths=(share.mount,), after="delete")
    wait_until(lambda: not any(share.backing.iterdir()), "all are deleted", deadline_seconds=PATIENT_SECONDS)
    assert len(box.instances()) == len(PICTURES)


@pytest.mark.root
def test_a_mount_that_numbers_at_every_look_is_not_read_again_and_again(box: Box, share: FaultyFolder) -> None:
    watcher = box.watcher(paths=(share.mount,))
    taken(box, len(PICTURES))
    share.renumber(inodes=1 << 20)
    wait_until_known_as(box, share.mount)
    share.renumber(inodes=2 << 20)

    def numbered(inodes: int) -> list[str]:
        """The files that are remembered with the mount's numbers from then."""
        return [
            name for name, file in files(box).items() if file.inode == (share.backing / name).stat().st_ino + inodes
        ]

    # One is enough: a scan under way sees the new number of some files only, and numbers mean nothing from then on.
    wait_until(lambda: numbered(2 << 20), "a second number is seen", deadline_seconds=PATIENT_SECONDS)
    share.renumber(inodes=3 << 20)
    wait_for_scans(watcher, 3)
    assert not numbered(3 << 20), "the third number meant nothing any more"
    assert len(box.instances()) == len(PICTURES)


@pytest.mark.root
def test_an_inode_beyond_the_journal_s_integers_is_no_obstacle(box: Box, share: FaultyFolder) -> None:
    share.renumber(inodes=1 << 63)
    watcher = box.watcher(paths=(share.mount,))
    taken(box, len(PICTURES))
    wait_for_scans(watcher)
    assert len(box.instances()) == len(PICTURES)


@pytest.mark.root
def test_a_share_within_the_watched_folder_that_is_gone_for_a_while_is_not_forgotten(box: Box, tmp_path: Path) -> None:
    (box.inbox / "usb").mkdir()
    (box.inbox / "own.png").write_bytes(png(b"\x07" * 8))
    (tmp_path / "stick" / "exam").mkdir(parents=True)
    (tmp_path / "stick" / "exam" / "a.png").write_bytes(png(b"\x09" * 8))
    bind = ["mount", "--bind", str(tmp_path / "stick"), str(box.inbox / "usb")]
    if subprocess.run(bind, check=False).returncode:
        pytest.skip("this user does not mount")
    try:
        watcher = box.watcher()
        taken(box, 2)
    finally:
        subprocess.run(["umount", "--lazy", str(box.inbox / "usb")], check=True)
    wait_for_scans(watcher)
    assert set(files(box)) == {"own.png", "a.png"}
    subprocess.run(bind, check=True)
    try:
        wait_for_scans(watcher, 3)
        assert len(box.instances()) == 2
    finally:
        watcher.stop()
        subprocess.run(["umount", "--lazy", str(box.inbox / "usb")], check=True)


def test_the_digest_is_that_of_what_is_in_the_spool(box: Box) -> None:
    (box.inbox / "a.png").write_bytes(png())
    box.watcher()
    taken(box, 1)
    digest = digest_of(io.BytesIO(content_of(box.spool, box.instances()[0])))
    with sqlite3.connect(box.state_dir / "journal.sqlite") as connection:
        assert connection.execute("SELECT file_digest FROM folder_files").fetchall() == [(digest,)]
    connection.close()


@pytest.mark.parametrize("changed", [False, True])
def test_a_file_that_an_older_leapfrog_took_is_known_by_the_digest_that_it_noted(box: Box, changed: bool) -> None:
    path = box.inbox / "a.png"
    path.write_bytes(png())
    watcher = box.watcher()
    taken(box, 1)
    watcher.stop()
    digest = hashlib.sha256(content_of(box.spool, box.instances()[0])).hexdigest()
    with closing(sqlite3.connect(box.state_dir / "journal.sqlite")) as connection, connection:
        connection.execute("UPDATE folder_files SET file_digest = ?", (digest,))
    content, state = path.read_bytes(), path.stat()
    other = box.inbox.parent / "other"  # so that it has another inode
    other.write_bytes(content[:-20] + bytes(20) if changed else content)
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns if changed else state.st_mtime_ns + 10**12))
    other.replace(path)
    watcher = box.watcher()
    if changed:
        taken(box, 2)
    else:
        wait_for_scans(watcher, 3)
        assert len(box.instances()) == 1
    watcher.stop()
