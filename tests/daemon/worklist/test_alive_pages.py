"""What tells open pages that the box runs wakes no disk, unless somebody listens there."""

import mmap
import os
from pathlib import Path

import pytest

from leapfrog.worklist import alive_pages
from leapfrog.worklist.alive_pages import AlivePages, memory_page

TOKEN = "0123456789abcdef"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page on the disk, not yet there."""
    (tmp_path / "memory").mkdir()
    (tmp_path / "reports").mkdir()
    monkeypatch.setattr(alive_pages, "MEMORY", tmp_path / "memory")
    return tmp_path / "reports" / "alive.html"


def in_memory(page: Path) -> str:
    """What whoever sees the box's own files hears."""
    return (page.parent / "alive.now.html").read_text()


def told_to_nobody(page: Path) -> AlivePages:
    """Pages that were told twice, the second time with nobody listening at the disk."""
    pages = AlivePages()
    pages.tell(page, "number 1", TOKEN)
    pages.tell(page, "number 2", TOKEN)
    return pages


def test_what_is_told_while_nobody_listens_at_the_disk_changes_nothing_there(page: Path) -> None:
    pages = told_to_nobody(page)
    before = (page.stat(), page.parent.stat())
    for number in range(3, 30):
        pages.tell(page, f"number {number}", TOKEN)
        assert in_memory(page) == f"number {number}"
    assert (page.stat(), page.parent.stat()) == before


def test_whoever_opens_the_page_on_the_disk_hears_the_next_number(page: Path) -> None:
    pages = told_to_nobody(page)
    assert page.read_text() == "number 1"
    pages.tell(page, "number 3", TOKEN)
    assert page.read_text() == "number 3"


def test_a_page_that_was_replaced_was_not_listened_to(page: Path) -> None:
    pages = told_to_nobody(page)
    page.unlink()
    pages.tell(page, "a longer number 3", TOKEN)
    pages.tell(page, "a longer number 4", TOKEN)
    assert (page.read_text(), in_memory(page)) == ("a longer number 3", "a longer number 4")


def test_a_page_that_was_removed_from_the_disk_is_there_again(page: Path) -> None:
    pages = told_to_nobody(page)
    page.unlink()
    pages.tell(page, "number 3", TOKEN)
    assert page.read_text() == "number 3"


def test_a_disk_that_nobody_reads_is_written_now_and_then_in_one_go(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    pages = told_to_nobody(page)
    with monkeypatch.context() as later:
        later.setattr(alive_pages, "PROBE_SECONDS", 0.0)
        pages.tell(page, "number 3", TOKEN)
    assert (unseen(page), len(synced)) == ("number 3", 1)
    pages.tell(page, "number 4", TOKEN)
    assert (unseen(page), in_memory(page)) == ("number 3", "number 4")


@pytest.mark.parametrize("why", ["no memory", "a link of a stranger", "no links in the folder"])
def test_where_memory_cannot_tell_the_disk_tells_each_time(page: Path, why: str) -> None:
    precious = page.parent.parent / "precious"
    precious.write_text("precious")
    if why == "no memory":
        memory_page(page.parent, TOKEN).parent.rmdir()
    elif why == "a link of a stranger":
        memory_page(page.parent, TOKEN).symlink_to(precious)
    else:
        (page.parent / "alive.now.html").mkdir()
    pages = AlivePages()
    for number in range(1, 5):
        pages.tell(page, f"number {number}", TOKEN)
        assert unseen(page) == f"number {number}"
    assert precious.read_text() == "precious"


def test_a_link_to_what_cannot_be_told_any_more_is_taken_away_until_it_can(page: Path) -> None:
    pages = told_to_nobody(page)
    of_another = memory_page(page.parent, TOKEN)
    of_another.unlink()
    of_another.mkdir()  # as little ours to write as another user's file
    pages.tell(page, "number 3", TOKEN)
    assert unseen(page) == "number 3"
    assert not os.path.lexists(page.parent / "alive.now.html")
    of_another.rmdir()
    pages.tell(page, "number 4", TOKEN)
    assert in_memory(page) == "number 4"


def unseen(page: Path) -> str:
    """What `page` says, read as nobody does who listens."""
    descriptor = os.open(page, os.O_RDWR)
    state = os.fstat(descriptor)
    with mmap.mmap(descriptor, state.st_size, access=mmap.ACCESS_READ) as content:
        os.close(descriptor)
        return content[:].decode()
