"""A limit for an exchange as a whole, whatever the limits of its parts overlook."""

import threading
from collections.abc import Callable


class Alarm:
    """Calls `late` from a thread of its own after so many seconds in which nothing paused, unless it is cancelled."""

    def __init__(self, seconds: float, paused_seconds: Callable[[], float], late: Callable[[], None]) -> None:
        """`paused_seconds` says for how long bodies have paused, ever."""
        self._paused_seconds = paused_seconds
        self._late = late
        self._paused_before = paused_seconds()
        self._cancelled = threading.Event()
        threading.Thread(target=self._watch, args=(seconds,), name="exchange-alarm", daemon=True).start()

    def cancel(self) -> None:
        """It was in time."""
        self._cancelled.set()

    def _watch(self, seconds: float) -> None:
        while seconds > 0:
            if self._cancelled.wait(min(seconds, threading.TIMEOUT_MAX)):
                return
            paused = self._paused_seconds()
            seconds, self._paused_before = paused - self._paused_before, paused
        self._late()
