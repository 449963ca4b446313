"""Leaves what this box says of itself at the district: about once an hour while a sync window is open, when one begins,
when `leapfrog sync` is given, and soon after something else needs attention.

It costs a connection and about 5 kB, and goes ahead of everything. Whatever becomes of it, nothing else waits for it
for more than a moment.
"""

import sqlite3
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from leapfrog.errors import DistrictError, DistrictLocked, DistrictUnreachable, LeapfrogError, StorageError
from leapfrog.exam import Frozen
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.precedence import Precedence
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.outbox.pacing.timing import LINK_BACKOFF
from leapfrog.parts import log_failure
from leapfrog.problem import Problem, Problems
from leapfrog.settings import Settings
from leapfrog.worker import UNTIL_WOKEN, Worker

if TYPE_CHECKING:
    from leapfrog.outbox.own_state.place import StatePlace

HOUR_SECONDS = 3600.0
EVERY_HOUR = Backoff(first_seconds=HOUR_SECONDS, cap_seconds=HOUR_SECONDS)  # not every box in the same minute
AFTER_START_SECONDS = 20.0  # by then the disks were looked at and the devices found
NEWS_SECONDS = 300.0  # at least, between two that are sent because something else needs attention
# While no server is reached it is tried as often as results are (LINK_BACKOFF), so that it goes when the link is back.
# One that answers and does not take it is asked less often: each time costs a handshake.
ANSWERED_BACKOFF = Backoff(first_seconds=60.0, cap_seconds=HOUR_SECONDS)
RANK = 0  # that of urgent results: they move beside it, and everything else after it
STEP_SECONDS = 180.0  # the longest time between two signs of life
LONG_SECONDS = 24 * 3600.0
NOT_TAKEN = "The district cannot be told how this box is. {reason}"
REMEDY = "Nothing else waits for this. `leapfrog doctor` tries it again at once."


class StateSending(Frozen):
    """How it goes, for `status`: when the district last had the state, as local ISO text, "" since the start not yet;
    and why it does not have the newest, "" where it has.
    """

    url: str
    sent_at: str = ""
    last_error: str = ""


class _Stopped(LeapfrogError):
    """The box is stopping in the middle of a transfer."""


class StateSender(Worker):
    """One thread, which sleeps most of the time."""

    def __init__(
        self,
        settings: Settings,
        signed_state: Callable[[], bytes],
        *,
        windows: SyncWindows,
        throttle: Throttle,
        precedence: Precedence,
        timeouts: Timeouts | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        after_start_seconds: float = AFTER_START_SECONDS,
    ) -> None:
        """`signed_state` makes the file. `windows`, `throttle` and `precedence` are those of all that is sent; whoever
        starts the windows wakes this part at their edges.
        """
        super().__init__("own-state")
        self._url = settings.fleet.url
        self._signed_state = signed_state
        self._windows = windows
        self._precedence = precedence
        self._monotonic = monotonic
        self._pace = Pace(throttle, self._progress, monotonic)
        self._place = _state_place(settings, self._pace, timeouts) if settings.fleet.url else None
        self._problems = Problems()
        self._asked_for = False  # `leapfrog sync` was given
        self._has_news = False
        self._was_open = True  # a start is no beginning of a window
        self._due_at = monotonic() + after_start_seconds
        self._tried_at: float | None = None  # the last time, however it ended
        self._failures = 0
        self._failing_since = 0.0
        self._sending = StateSending(url=settings.fleet.url)

    # ------------------------------------------------------------ for others; any thread may call it

    def stop(self) -> None:
        """Cut what is running, and stop."""
        self._stopping.set()
        if self._place is not None:
            self._place.cut()
        super().stop()
        if self._place is not None:
            self._place.close()

    def send_now(self) -> None:
        """Send it once, now, whatever the windows say. Returns at once."""
        self._asked_for = True
        self.wake()

    def news(self) -> None:
        """Something else needs attention than before. Returns at once."""
        self._has_news = True
        self.wake()

    def state(self) -> StateSending | None:
        """How it goes; None when the settings name no place."""
        return self._sending if self._place is not None else None

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong, for `status` and `doctor`."""
        return self._problems.current()

    # ------------------------------------------------------------ the worker

    def turn(self) -> float:
        """Send it if it is due. Returns the seconds until it is."""
        self.beat(STEP_SECONDS)
        if self._place is None or not (self._has_begun_window() or self._asked_for):
            return UNTIL_WOKEN
        wait = 0.0 if self._asked_for else self._seconds_until_due()
        if wait > 0:
            return wait
        try:
            self._send(self._place)
        except _Stopped:
            return UNTIL_WOKEN
        except (StorageError, sqlite3.Error):
            raise  # the state disk failed
        except DistrictError as problem:
            self._failed(problem)
        except Exception as problem:
            # An error of ours over this must not end the box.
            log_failure("What this box says of itself could not be sent", problem)
            self._failed(problem)
        return self._seconds_until_due()

    def _has_begun_window(self) -> bool:
        """Whether a window is open. Where one has just begun, it is due."""
        was_open, self._was_open = self._was_open, self._windows.is_open()
        if self._was_open and not was_open:
            self._due_at = min(self._due_at, self._monotonic())
        return self._was_open

    def _seconds_until_due(self) -> float:
        """After a failure nothing brings the next attempt forward but `leapfrog sync` and the edge of a window."""
        due_at = self._due_at
        if self._has_news and not self._failures and self._tried_at is not None:
            due_at = min(due_at, self._tried_at + NEWS_SECONDS)
        return max(0.0, due_at - self._monotonic())

    def _send(self, place: "StatePlace") -> None:
        self._asked_for, self._has_news, self._tried_at = False, False, self._monotonic()
        content = self._signed_state()
        with self._precedence.turn(RANK) as turn, self._pace.keeping(turn):
            place.put(content)
        self._failures = 0
        self._due_at = self._monotonic() + EVERY_HOUR.seconds(1)
        self._problems.keep(())
        self._sending = StateSending(url=self._url, sent_at=datetime.now().astimezone().isoformat(timespec="seconds"))

    def _failed(self, problem: Exception) -> None:
        now = self._monotonic()
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        no_server = isinstance(problem, DistrictUnreachable) and not problem.was_connected
        pause = (LINK_BACKOFF if no_server else ANSWERED_BACKOFF).seconds(self._failures)
        if isinstance(problem, DistrictUnreachable):
            pause = max(pause, min(problem.retry_after_seconds, HOUR_SECONDS))
        self._due_at = now + pause
        reason = str(problem) if isinstance(problem, LeapfrogError) else f"({type(problem).__name__})"
        self._sending = self._sending.model_copy(update={"last_error": reason})
        # That a link is down is nothing new: the destinations say so. What a person must mend is told at once.
        if isinstance(problem, DistrictLocked) or now - self._failing_since >= LONG_SECONDS:
            self._problems.add("own state", NOT_TAKEN.format(reason=reason), REMEDY, in_worklist=False)

    def _progress(self) -> None:
        if not self.beat(STEP_SECONDS):
            raise _Stopped("The box is stopping.")


def _state_place(settings: Settings, pace: Pace, timeouts: Timeouts | None) -> "StatePlace":
    from leapfrog.outbox.own_state.place import StatePlace  # `requests` takes 4 MiB, and not every box has a district

    return StatePlace(settings, pace, timeouts)
