"""Sync windows by a wall clock that may be set at any time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.settings import DistrictSettings, SyncWindow
from support.clocks import Clocks
from support.waiting import wait_until


def _windows(*texts: str) -> tuple[SyncWindow, ...]:
    return DistrictSettings.model_validate({"windows": texts}).windows


def _opening_in(seconds: float) -> SyncWindow:
    opening = (datetime.now() + timedelta(seconds=seconds)).replace(microsecond=0)
    return SyncWindow(start=opening.time(), end=(opening + timedelta(hours=1)).time())


@contextmanager
def _started(windows: SyncWindows) -> Iterator[SyncWindows]:
    windows.start()
    try:
        yield windows
    finally:
        windows.stop()


@pytest.mark.parametrize(
    ("moment", "is_open", "hours_to_go"),
    [
        ("10:00", False, 2),
        ("12:00", True, 0),
        ("13:00", False, 6),
        ("18:59", False, 1 / 60),
        ("19:00", True, 0),
        ("23:59", True, 0),
        ("03:00", True, 0),
        ("06:30", False, 5.5),
    ],
)
def test_windows_open_and_close_and_may_cross_midnight(moment: str, is_open: bool, hours_to_go: float) -> None:
    clocks = Clocks(f"2026-03-04T{moment}:00")
    windows = SyncWindows(_windows("19:00-06:30", "12:00-13:00"), lambda: None, clocks.now)
    assert windows.is_open() is is_open
    assert windows.seconds_until_open() == pytest.approx(hours_to_go * 3600)


def test_no_windows_means_always() -> None:
    with _started(SyncWindows((), lambda: None)) as windows:
        assert windows.is_open()
        assert windows.seconds_until_open() == 0


def test_an_edge_of_a_window_wakes_the_sender() -> None:
    edge = threading.Event()
    with _started(SyncWindows([_opening_in(2)], edge.set)) as windows:
        assert not edge.is_set() and not windows.is_open()
        assert edge.wait(3)
        wait_until(windows.is_open, "the window is open")


def test_a_set_clock_has_the_timers_set_anew() -> None:
    edges = threading.Semaphore(0)
    offset = timedelta()
    windows = SyncWindows([_opening_in(2)], edges.release, lambda: datetime.now().astimezone() + offset, time.monotonic)
    with _started(windows):
        assert not windows.look_at_clock()
        offset = timedelta(days=-4000)
        assert windows.look_at_clock()
        assert edges.acquire(timeout=0)
        assert not windows.look_at_clock()
        assert edges.acquire(timeout=3), "the timers of the new schedule do not fire"


def test_hours_that_pass_are_no_jump_and_a_suspended_box_is() -> None:
    clocks = Clocks("2026-03-04T10:00:00")
    with _started(SyncWindows(_windows("12:00-13:00"), lambda: None, clocks.now, clocks.monotonic)) as windows:
        clocks.pass_by(5 * 3600)
        clocks.seconds += 0.5
        assert not windows.look_at_clock()
        clocks.wall += timedelta(minutes=10)
        assert windows.look_at_clock()
        assert not windows.look_at_clock()


def test_stopping_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    with _started(SyncWindows([_opening_in(3600)], lambda: None)):
        assert set(threading.enumerate()) != before
    assert set(threading.enumerate()) == before


def test_summer_time_has_the_timers_set_anew() -> None:
    clocks = Clocks("2026-03-29T01:59:00+01:00")
    with _started(SyncWindows(_windows("12:00-13:00"), lambda: None, clocks.now, clocks.monotonic)) as windows:
        clocks.wall = datetime.fromisoformat("2026-03-29T03:01:00+02:00")
        clocks.seconds += 120
        assert windows.look_at_clock()
        assert not windows.look_at_clock()


def test_where_no_timers_are_set_a_clock_that_is_set_is_nobodys_concern() -> None:
    clocks = Clocks()
    with _started(SyncWindows((), pytest.fail, clocks.now, clocks.monotonic)) as windows:
        clocks.wall += timedelta(days=4000)
        assert not windows.look_at_clock()
