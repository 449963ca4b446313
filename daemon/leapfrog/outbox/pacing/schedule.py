"""The sync windows: the daily spans of local time in which the outbox sends.

Nothing else in the outbox follows the wall clock, so only the windows use timers of APScheduler. Everything that waits
for a time to pass uses the monotonic clock.

A timer for a wall-clock time really sleeps on the monotonic clock. So it fires at the wrong time if somebody sets the
clock, the box is suspended, or summer time begins. Each of these changes the difference between the clocks, and the
main thread checks for that once a second while it watches the parts (`look_at_clock`). timerfd_create(2) could report
a set clock (TFD_TIMER_CANCEL_ON_SET) and the end of a suspension at once, but not summer time. It would also need a
thread that waits for it and, before Python 3.13, ctypes: too much effort to save a second that nobody misses.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from leapfrog.settings import SyncWindow

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

# The wall clock and the monotonic clock drift apart by milliseconds. If it is more, somebody has set the clock.
CLOCK_JUMP_SECONDS = 2.0


def _local_now() -> datetime:
    return datetime.now().astimezone()


class SyncWindows:
    """Knows whether a window is open, and calls back when one opens or closes. No windows means always open."""

    def __init__(
        self,
        windows: Sequence[SyncWindow],
        on_edge: Callable[[], None],
        now: Callable[[], datetime] = _local_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_edge` is called in the scheduler's or `look_at_clock`'s thread, so it should only wake another thread."""
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

    # ------------------------------------------------------------ the timers; only one thread at a time may manage them

    def start(self) -> None:
        """Set a timer for each edge of each window."""
        if self._windows:
            self._build()

    def stop(self) -> None:
        """Remove the timers."""
        if self._scheduler is not None:
            self._scheduler.shutdown()
            self._scheduler = None

    def look_at_clock(self) -> bool:
        """Set the timers again, and call back, if the clock was set or the offset from UTC has changed since they were
        set. Returns whether that was so. Does nothing while there are no timers.
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
        """The wall clock minus the monotonic clock, in seconds, and local time minus UTC."""
        now = self._now()
        return now.timestamp() - self._monotonic(), now.utcoffset() or timedelta()

    def _build(self) -> None:
        # Most boxes have no windows: 3 MiB, and time at each start, that they need not give.
        from apscheduler.executors.debug import DebugExecutor
        from apscheduler.schedulers.background import BackgroundScheduler
        from apscheduler.triggers.cron import CronTrigger

        self._clock_offset, self._utc_offset = self._offsets()  # first, so that a jump from now on is noticed
        # We pass the zone because APScheduler's own look-up raises if /etc/timezone and /etc/localtime disagree. The
        # debug executor runs the callback in the scheduler's own thread: one thread instead of a pool of ten.
        zone = self._now().tzinfo
        scheduler = BackgroundScheduler(executors={"default": DebugExecutor()}, timezone=zone)
        edges = {edge for window in self._windows for edge in (window.start, window.end)}
        for edge in sorted(edges):
            trigger = CronTrigger(hour=edge.hour, minute=edge.minute, second=edge.second, timezone=zone)
            scheduler.add_job(self._on_edge, trigger, misfire_grace_time=None, coalesce=True)
        scheduler.start()
        self._scheduler = scheduler
