"""A file is copied only if it is still the file that was found."""

import os
from pathlib import Path

import pytest

from leapfrog.errors import StorageError
from leapfrog.intake.folder.pickup import FileChanged, FileState, copy, opened, state_of
from support.faulty_folder import FaultyFolder, why_not


def made(path: Path, content: bytes) -> FileState:
    path.write_bytes(content)
    return state_of(path.stat())


def test_a_file_that_changes_during_the_copy_is_not_kept(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    state = made(source, bytes(3 << 20))

    def append() -> bool:
        with source.open("ab") as stream:
            stream.write(b"more")
        return True

    with opened(source, tmp_path, state) as stream, pytest.raises(FileChanged):
        copy(stream, target, state, append)
    assert not target.exists()


def test_a_copy_that_the_end_of_the_daemon_interrupts_is_not_kept(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    state = made(source, bytes(3 << 20))
    with opened(source, tmp_path, state) as stream, pytest.raises(FileChanged):
        copy(stream, target, state, lambda: False)
    assert not target.exists()


def test_a_file_that_is_renamed_during_the_copy_is_copied_whole(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    state = made(source, bytes(range(256)) * 8192)
    with opened(source, tmp_path, state) as stream:
        source.rename(tmp_path / "c")
        copy(stream, target, state, lambda: True)
    assert target.read_bytes() == bytes(range(256)) * 8192


def test_a_file_that_became_another_is_not_opened(tmp_path: Path) -> None:
    state = made(tmp_path / "a", b"first")
    made(tmp_path / "b", b"other")
    (tmp_path / "b").rename(tmp_path / "a")
    with pytest.raises(FileChanged), opened(tmp_path / "a", tmp_path, state):
        pass


def test_a_folder_that_became_a_link_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "outside").mkdir()
    state = made(tmp_path / "outside" / "a", b"secret")
    (tmp_path / "inbox" / "ward").symlink_to(tmp_path / "outside")
    with pytest.raises(FileChanged), opened(tmp_path / "inbox" / "ward" / "a", tmp_path / "inbox", state):
        pass


def test_a_file_that_became_a_link_or_a_pipe_is_not_opened(tmp_path: Path) -> None:
    state = made(tmp_path / "a", b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(OSError, match="symbolic"), opened(tmp_path / "link", tmp_path, state):
        pass
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileChanged), opened(tmp_path / "pipe", tmp_path, state):
        pass


def test_a_disk_that_does_not_take_the_copy_is_a_storage_error(tmp_path: Path) -> None:
    state = made(tmp_path / "a", b"content")
    with opened(tmp_path / "a", tmp_path, state) as stream, pytest.raises(StorageError):
        copy(stream, tmp_path / "missing" / "b", state, lambda: True)


@pytest.mark.root
def test_a_share_that_is_lost_when_all_was_read_makes_nothing_undone(tmp_path: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    with FaultyFolder(tmp_path) as share:
        (share.backing / "a").write_bytes(b"content")
        state = state_of((share.mount / "a").stat())
        with opened(share.mount / "a", share.mount, state) as stream:
            copy(stream, tmp_path / "b", state, lambda: True)
            share.lose_server()
    assert (tmp_path / "b").read_bytes() == b"content"
