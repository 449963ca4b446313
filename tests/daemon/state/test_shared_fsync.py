"""One fsync of a directory for all threads that wait for it."""

import errno
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leapfrog.state.shared_fsync import SharedFsync
from support.waiting import wait_until

WAITING = 8


class SlowDisk:
    """Its fsync ends when a test lets it. `covered`: how many names were there when each fsync began."""

    def __init__(self) -> None:
        self.names = 0
        self.covered: list[int] = []
        self.may_end = threading.Semaphore(0)
        self.error = 0

    def fsync(self, _directory: Path) -> None:
        self.covered.append(self.names)
        assert self.may_end.acquire(timeout=10)
        if self.error:
            raise OSError(self.error, "the disk fails")


def test_whoever_comes_during_an_fsync_shares_the_next_one_which_begins_after_his_name_is_there() -> None:
    disk = SlowDisk()
    shared = SharedFsync(Path("spool"), disk.fsync)
    with ThreadPoolExecutor(WAITING + 1) as threads:
        disk.names = 1
        first = threads.submit(shared)
        wait_until(lambda: disk.covered == [1], "the first fsync is under way")
        disk.names = 1 + WAITING
        others = [threads.submit(shared) for _ in range(WAITING)]
        disk.may_end.release()
        first.result(timeout=10)
        wait_until(lambda: len(disk.covered) == 2, "the second fsync is under way")
        assert not any(other.done() for other in others)
        disk.may_end.release()
        # One that came too late even for this one begins a third.
        wait_until(lambda: all(other.done() for other in others) or len(disk.covered) == 3, "all are served")
        disk.may_end.release()
        for other in others:
            other.result(timeout=10)
    assert disk.covered[:2] == [1, 1 + WAITING]
    assert len(disk.covered) <= 3


def test_an_fsync_that_fails_fails_for_all_whom_it_was_to_serve_and_for_nobody_later() -> None:
    disk = SlowDisk()
    shared = SharedFsync(Path("spool"), disk.fsync)
    with ThreadPoolExecutor(WAITING) as threads:
        disk.error = errno.EIO
        askers = [threads.submit(shared) for _ in range(WAITING)]
        for _ in range(WAITING):
            disk.may_end.release()
        assert {type(asker.exception(timeout=10)) for asker in askers} == {OSError}
        assert {asker.exception(timeout=0).errno for asker in askers} == {errno.EIO}  # type: ignore[union-attr]
    disk.error = 0
    disk.may_end.release()
    shared()


def test_one_that_ends_in_another_way_is_no_success_either() -> None:
    def interrupted(_directory: Path) -> None:
        raise KeyboardInterrupt

    shared = SharedFsync(Path("spool"), interrupted)
    for _ in range(2):  # nobody waits for ever for the one that was interrupted
        with pytest.raises(KeyboardInterrupt):
            shared()
