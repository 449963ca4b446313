"""The sync windows: the daily spans of local time in which the outbox sends."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from leapfrog.settings import Window

# Wall and monotonic clock drift apart by milliseconds; when they part by more, somebody set the clock.
CLOCK_JUMP_SECONDS = 2.0


def _local_now() -> datetime:
    return datetime.now().astimezone()


class SyncWindows:
    """Tells whether a window is open, and calls back when one opens or closes. No windows means always open."""

    def __init__(
        self,
        windows: Sequence[Window],
        on_edge: Callable[[], None],
        now: Callable[[], datetime] = _local_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_edge` is called in the scheduler's thread, so it should only wake somebody."""
        self._windows = tuple(windows)
        self._on_edge = on_edge
        self._now = now
        self._monotonic = monotonic
        self._clock_offset = self._offset()
        self._utc_offset = self._now().utcoffset()
        self._lock = threading.Lock()
        self._scheduler: BackgroundScheduler | None = None

    def is_open(self) -> bool:
        """Whether results may be sent now, by the wall clock."""
        if not self._windows:
            return True
        moment = self._now().time()
        return any(window.contains(moment) for window in self._windows)

    def seconds_until_open(self) -> float:
        """How long until the next window opens; 0 when one is open."""
        if self.is_open():
            return 0.0
        now = self._now()
        openings = [
            now.replace(hour=window.start.hour, minute=window.start.minute, second=window.start.second, microsecond=0)
            for window in self._windows
        ]
        return min(((opening - now) % timedelta(days=1)).total_seconds() for opening in openings)

    def start(self) -> None:
        """Set a timer for each edge of each window."""
        if self._windows:
            with self._lock:
                self._build()

    def stop(self) -> None:
        """Take the timers away."""
        with self._lock:
            self._discard()

    def rebuild_after_clock_jump(self) -> bool:
        """Set the timers anew when wall and monotonic time have parted since they were set; returns whether they had.

        A timer sleeps on the monotonic clock until a wall-clock time, so a set clock would make it fire at a wrong one.
        Summer time counts as a jump too.
        """
        offset = self._offset()
        utc_offset = self._now().utcoffset()
        if abs(offset - self._clock_offset) < CLOCK_JUMP_SECONDS and utc_offset == self._utc_offset:
            return False
        self._utc_offset = utc_offset
        with self._lock:
            self._clock_offset = offset
            if self._scheduler is not None:
                self._discard()
                self._build()
        self._on_edge()
        return True

    def _offset(self) -> float:
        return self._now().timestamp() - self._monotonic()

    def _build(self) -> None:
        # The zone is given since APScheduler's own look-up raises where /etc/timezone and /etc/localtime disagree. The
        # debug executor runs the callback in the scheduler's own thread: one thread in place of a pool of ten.
        zone = self._now().tzinfo
        scheduler = BackgroundScheduler(executors={"default": DebugExecutor()}, timezone=zone)
        edges = {edge for window in self._windows for edge in (window.start, window.end)}
        for edge in sorted(edges):
            trigger = CronTrigger(hour=edge.hour, minute=edge.minute, second=edge.second, timezone=zone)
            scheduler.add_job(self._on_edge, trigger, misfire_grace_time=None, coalesce=True)
        scheduler.start()
        self._scheduler = scheduler

    def _discard(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown()
            self._scheduler = None
