"""How long prints have waited, whatever the clock does meanwhile."""

import time
from collections.abc import Callable
from datetime import datetime


class Ages:
    """Prints that came while this process runs are counted by the monotonic clock. To those from before, the time by
    the box's clock up to this start is added, if that clock can be trusted: one that was wrong makes nothing old.
    """

    def __init__(self, *, clock_is_right: Callable[[], bool], monotonic: Callable[[], float] = time.monotonic) -> None:
        """This is the start."""
        self._monotonic = monotonic
        self._clock_is_right = clock_is_right
        self._from: dict[str, float] = {}  # on the monotonic clock, when each began to wait

    def from_before(self, print_id: str, created_at: str) -> None:
        """Note a print that waited when this process started; `created_at` is local ISO text."""
        before = (datetime.now().astimezone() - datetime.fromisoformat(created_at)).total_seconds()
        self._from[print_id] = self._monotonic() - (max(0.0, before) if self._clock_is_right() else 0.0)

    def hours(self, print_id: str) -> float:
        """How long a print has waited; one that was not seen before begins to wait now."""
        return (self._monotonic() - self._from.setdefault(print_id, self._monotonic())) / 3600

    def forget(self, print_id: str) -> None:
        """It does not wait any more."""
        self._from.pop(print_id, None)
