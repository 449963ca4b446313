"""The sync windows: the daily spans of local time in which the outbox sends.

They are all of the outbox that follows the wall clock, so theirs are the only timers of APScheduler's; whatever waits
for a time to pass does so on the monotonic clock.

A timer sleeps on the monotonic clock until a wall-clock time, so it fires at a wrong one when somebody sets the clock,
the box was suspended, or summer time begins. Each shows as a change of the difference between the clocks, for which
the main thread looks once a second while it watches the parts (`look_at_clock`). timerfd_create(2) could tell of a set
clock at once (TFD_TIMER_CANCEL_ON_SET) and of the end of a suspension, but not of summer time, would need a thread that
waits for it and, before Python 3.13, ctypes: more parts for a second that nobody misses.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from leapfrog.settings import SyncWindow

# Wall and monotonic clock drift apart by milliseconds; when they part by more, somebody set the clock.
CLOCK_JUMP_SECONDS = 2.0


def _local_now() -> datetime:
    return datetime.now().astimezone()


class SyncWindows:
    """Tells whether a window is open, and calls back when one opens or closes. No windows means always open."""

    def __init__(
        self,
        windows: Sequence[SyncWindow],
        on_edge: Callable[[], None],
        now: Callable[[], datetime] = _local_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_edge` is called in the scheduler's thread or that of `look_at_clock`, so it should only wake somebody."""
        self._windows = tuple(windows)
        self._on_edge = on_edge
        self._now = now
        self._monotonic = monotonic
        self._scheduler: BackgroundScheduler | None = None
        self._clock_offset, self._utc_offset = 0.0, timedelta()  # as they were when the timers were set

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

    # ------------------------------------------------------------ the timers, of which one thread at a time takes care

    def start(self) -> None:
        """Set a timer for each edge of each window."""
        if self._windows:
            self._build()

    def stop(self) -> None:
        """Take the timers away."""
        if self._scheduler is not None:
            self._scheduler.shutdown()
            self._scheduler = None

    def look_at_clock(self) -> bool:
        """Set the timers anew, and call back, when wall and monotonic time have parted since they were set, or local
        and universal time have. Returns whether they had; without timers nothing depends on it.
        """
        if self._scheduler is None:
            return False
        clock_offset, utc_offset = self._offsets()
        if abs(clock_offset - self._clock_offset) < CLOCK_JUMP_SECONDS and utc_offset == self._utc_offset:
            return False
        self.stop()
        self._build()
        self._on_edge()
        return True

    def _offsets(self) -> tuple[float, timedelta]:
        """Of the wall clock from the monotonic one, in seconds, and of local time from UTC."""
        now = self._now()
        return now.timestamp() - self._monotonic(), now.utcoffset() or timedelta()

    def _build(self) -> None:
        self._clock_offset, self._utc_offset = self._offsets()  # before the timers, so that a jump meanwhile is noticed
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
