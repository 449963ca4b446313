"""Until a file is whole beyond doubt it is neither taken nor deleted; and whoever brings a whole one does not wait."""

import mmap
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.intake.folder.wholeness import Rests
from support.faulty_folder import FaultyFolder, why_not
from support.intake_box import Box, wait_for_scans
from support.spooled import content_of
from support.unfinished_copies import CONTENTS, NOISE, Copy, Reserve, native
from support.waiting import wait_until

FOR_EVER = 3600.0  # seconds
PATIENT_SECONDS = 60.0  # the machine may be busy
ONLY_HOLDERS = Rests(settle=0.1, unfinished=0.1, zeros=0.1, unseen=FOR_EVER)  # nothing waits but for an open file
ONLY_ZEROS = Rests(settle=0.1, unfinished=FOR_EVER, zeros=FOR_EVER, unseen=FOR_EVER)  # what has doubts waits for ever


@pytest.fixture
def share(tmp_path: Path) -> Iterator[FaultyFolder]:
    """A mount where nobody can see who holds a file open, as on a network share."""
    if reason := why_not():
        pytest.skip(reason)
    with FaultyFolder(tmp_path / "faulty") as folder:
        yield folder


def contents(box: Box, count: int) -> list[bytes]:
    """What was taken, once this many instances are there."""
    wait_until(lambda: len(box.instances()) >= count, f"{count} instances", deadline_seconds=PATIENT_SECONDS)
    return sorted(content_of(box.spool, instance) for instance in box.instances())


@pytest.mark.parametrize("reserve", ["holes", "zeros", "fallocate"])
def test_a_copy_that_reserves_its_size_and_pauses_is_taken_whole(box: Box, reserve: Reserve) -> None:
    watcher = box.watcher(after="delete", rests=ONLY_HOLDERS)
    made = {name: make() for name, make in CONTENTS.items()}
    copies = [Copy(box.inbox / name, content, reserve) for name, content in made.items()]
    wait_for_scans(watcher, 5)
    assert box.instances() == []
    assert all(copy.path.exists() for copy in copies)
    for copy in copies:
        copy.finish()
    # The three DICOM files have one UID and different content.
    assert contents(box, len(made)) == sorted(made.values())
    wait_until(lambda: not any(box.inbox.iterdir()), "all are deleted", deadline_seconds=PATIENT_SECONDS)


@pytest.mark.parametrize("reserve", ["holes", "zeros", "fallocate"])
def test_a_copy_that_pauses_while_its_file_is_closed_is_taken_whole(box: Box, reserve: Reserve) -> None:
    """Nobody holds it open, as when the program that copies was killed, or opens it for each part."""
    watcher = box.watcher(after="delete", rests=ONLY_ZEROS)
    made = {name: make() for name, make in CONTENTS.items()}
    copies = [Copy(box.inbox / name, content, reserve) for name, content in made.items()]
    for copy in copies:
        copy.close()
    wait_for_scans(watcher, 5)
    assert box.instances() == []
    for copy in copies:
        copy.reopen()
        copy.finish()
    assert contents(box, len(made)) == sorted(made.values())


@pytest.mark.parametrize("reserve", ["holes", "fallocate"])
def test_a_copy_that_writes_its_end_first_is_taken_whole(box: Box, reserve: Reserve) -> None:
    watcher = box.watcher(after="delete", rests=ONLY_ZEROS)
    made = {name: make() for name, make in CONTENTS.items()}
    copies = [Copy(box.inbox / name, content, reserve, tail_first=True) for name, content in made.items()]
    for copy in copies:
        copy.close()
    wait_for_scans(watcher, 5)
    assert box.instances() == []
    for copy in copies:
        copy.reopen()
        copy.finish()
    assert contents(box, len(made)) == sorted(made.values())


@pytest.mark.root
def test_where_nobody_sees_who_writes_zeros_at_the_end_wait_longest(box: Box, share: FaultyFolder) -> None:
    rests = Rests(settle=0.1, unfinished=0.1, zeros=0.1, unseen=FOR_EVER)
    watcher = box.watcher(paths=(share.mount,), after="delete", rests=rests)
    made = {name: make() for name, make in CONTENTS.items()}
    copies = [Copy(share.backing / name, content, "zeros") for name, content in made.items()]
    wait_for_scans(watcher, 5)
    assert box.instances() == []
    for copy in copies:
        copy.finish()
    assert contents(box, len(made)) == sorted(made.values())


@pytest.mark.root
def test_where_nobody_sees_who_writes_a_film_that_ends_in_black_is_taken_after_the_longest_rest(
    box: Box, share: FaultyFolder
) -> None:
    started = time.monotonic()
    (share.backing / "a.dcm").write_bytes(native(NOISE + bytes(4000)))
    watcher = box.watcher(paths=(share.mount,), rests=Rests(settle=0.1, unfinished=0.1, zeros=0.1, unseen=4.0))
    assert contents(box, 1) == [native(NOISE + bytes(4000))]
    assert time.monotonic() - started >= 4.0
    wait_for_scans(watcher)
    assert len(box.instances()) == 1


def test_a_film_that_ends_in_black_is_taken_after_a_rest(box: Box) -> None:
    film = native(NOISE + bytes(4000))
    (box.inbox / "a.dcm").write_bytes(film)
    started = time.monotonic()
    box.watcher(rests=Rests(settle=0.1, unfinished=FOR_EVER, zeros=3.0, unseen=FOR_EVER))
    assert contents(box, 1) == [film]
    assert time.monotonic() - started >= 3.0


@pytest.mark.parametrize("name", CONTENTS)
def test_a_whole_file_waits_for_no_more_than_it_always_did(box: Box, name: str) -> None:
    box.watcher(rests=ONLY_ZEROS)
    content = CONTENTS[name]()
    (box.inbox / name).write_bytes(content)
    assert contents(box, 1) == [content]


def test_a_file_that_is_still_mapped_for_writing_is_not_whole(box: Box) -> None:
    watcher = box.watcher(rests=ONLY_HOLDERS)
    film = native()
    (box.inbox / "a.dcm").write_bytes(film[:-100] + b"\x01" * 100)
    with (box.inbox / "a.dcm").open("r+b") as stream:
        view = mmap.mmap(stream.fileno(), 0)
    wait_for_scans(watcher, 5)
    assert box.instances() == []
    view[-100:] = film[-100:]
    view.close()
    assert contents(box, 1) == [film]


def test_who_only_reads_a_file_holds_nothing_up(box: Box) -> None:
    (box.inbox / "a.dcm").write_bytes(native())
    with (box.inbox / "a.dcm").open("rb"):
        box.watcher(after="delete", rests=ONLY_HOLDERS)
        assert contents(box, 1) == [native()]
        wait_until(lambda: not any(box.inbox.iterdir()), "it is deleted", deadline_seconds=PATIENT_SECONDS)


def test_a_file_that_is_opened_again_after_it_was_taken_is_not_deleted(box: Box) -> None:
    first = box.watcher(after="keep", rests=ONLY_HOLDERS)
    (box.inbox / "a.dcm").write_bytes(native())
    contents(box, 1)
    first.stop()
    with (box.inbox / "a.dcm").open("r+b"):
        watcher = box.watcher(after="delete", rests=ONLY_HOLDERS)
        wait_for_scans(watcher, 5)
        assert (box.inbox / "a.dcm").exists()
    wait_until(lambda: not any(box.inbox.iterdir()), "it is deleted", deadline_seconds=PATIENT_SECONDS)


def test_a_file_that_ends_early_is_taken_but_never_deleted_until_it_is_whole(box: Box) -> None:
    watcher = box.watcher(after="delete", rests=ONLY_HOLDERS)
    film = native()
    (box.inbox / "a.dcm").write_bytes(film[:-1000])
    assert contents(box, 1) == [film[:-1000]]
    wait_until(lambda: any("end early" in problem.what for problem in watcher.problems()), "it is named")
    watcher.stop()
    again = box.watcher(after="delete", rests=ONLY_HOLDERS)
    wait_for_scans(again, 3)
    assert (box.inbox / "a.dcm").read_bytes() == film[:-1000], "also after a restart"
    (box.inbox / "a.dcm").write_bytes(film)
    assert film in contents(box, 2)
    wait_until(lambda: not any(box.inbox.iterdir()), "it is deleted", deadline_seconds=PATIENT_SECONDS)
    wait_until(lambda: again.problems() == (), "nothing is wrong any more")


def test_a_time_that_is_set_when_all_is_written_makes_no_second_picture(box: Box) -> None:
    watcher = box.watcher()
    picture = box.inbox / "a.png"
    picture.write_bytes(CONTENTS["picture.png"]())
    contents(box, 1)
    os.utime(picture, (1_600_000_000, 1_600_000_000))
    wait_for_scans(watcher, 3)
    assert len(box.instances()) == 1


def test_a_copy_that_is_renamed_into_its_place_is_taken_at_once(box: Box, tmp_path: Path) -> None:
    box.watcher(rests=ONLY_ZEROS, rescan_seconds=3600)
    copy = Copy(tmp_path / "a.tmp", native())
    copy.finish()
    copy.path.rename(box.inbox / "a.dcm")
    assert contents(box, 1) == [native()]
