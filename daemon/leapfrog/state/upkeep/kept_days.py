"""Counts the days for which exams are kept, so that no jump of the clock deletes anything.

A box without a clock battery may start with a clock that is years off, and a time server may be wrong too. So the age
of an exam is not the difference of two readings of the clock. A day counts when the box itself saw it: its clock was
synchronised, showed another date than that of the last day counted, and the box had been on with a synchronised clock
for six hours since then. A clock that jumps by a hundred days, forward or back, adds one day at most. A box that is
often off counts fewer days than the calendar has, and keeps exams longer: that costs only disk space.
"""

import time
from collections.abc import Callable
from datetime import date

from leapfrog.exam import Frozen
from leapfrog.state.facts import Facts

SECONDS_OF_A_DAY = 6 * 3600.0  # how long the box must be on, with a synchronised clock, for a day to count
FACT = "kept_days"


class _Count(Frozen):
    """`days` counted so far, the last on `date` (ISO); since then the box was on and synchronised for `seconds`."""

    days: int = 0
    date: str = ""
    seconds: float = 0.0


class KeptDays:
    """The count, which outlives restarts. One thread uses it."""

    def __init__(
        self, facts: Facts, synchronised: Callable[[], bool], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`synchronised` tells whether something keeps the system's clock right."""
        self._facts = facts
        self._synchronised = synchronised
        self._monotonic = monotonic
        self._seen_at: float | None = None  # when the clock was last seen synchronised; None: not at the last look

    def count(self, today: date) -> int | None:
        """How many days have been counted, today among them once it counts. None while the clock is not synchronised.

        To be called about once an hour: time before the first call, and around calls that return None, does not count.
        """
        now, seen_at = self._monotonic(), self._seen_at
        if not self._synchronised():
            self._seen_at = None
            return None
        self._seen_at = now
        stored = self._facts.get(FACT)
        known = _Count.model_validate_json(stored) if stored else _Count()
        seconds = known.seconds + (now - seen_at if seen_at is not None else 0.0)
        if today.isoformat() != known.date and seconds >= SECONDS_OF_A_DAY:
            count = _Count(days=known.days + 1, date=today.isoformat())
        else:
            count = _Count(days=known.days, date=known.date or today.isoformat(), seconds=seconds)
        if count != known:
            self._facts.put(FACT, count.model_dump_json())
        return count.days
