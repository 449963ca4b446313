"""How much was free on each disk in the last days, and so when it will be full."""

import json
from collections.abc import Mapping, Sequence

from leapfrog.state.facts import Facts
from leapfrog.state.journal import Journal

FACT = "disk_history"  # in the journal: [[seconds since 1970, {path: free bytes}], ...], oldest first
HOURS_KEPT = 14 * 24
SHORTEST_SPAN_SECONDS = 6 * 3600.0  # less says nothing: a busy morning is not a week
DAY_SECONDS = 86_400.0

Sample = tuple[float, Mapping[str, int]]


class DiskHistory:
    """One sample an hour, kept in the journal."""

    def __init__(self, journal: Journal) -> None:
        """Use the facts of `journal`."""
        self._facts = Facts(journal)

    def add(self, now: float, free: Mapping[str, int]) -> None:
        """Note what is free `now` (seconds since 1970), by path."""
        samples = [sample for sample in self._samples() if sample[0] < now][-HOURS_KEPT:]
        self._facts.put(FACT, json.dumps([*samples, (now, dict(free))]))

    def days_left(self, path: str, free: int, least: int, now: float) -> float | None:
        """Days until only `least` bytes are free at `path`, at the rate since the oldest sample; None when the disk
        does not fill, or when too little is known. Samples from a clock that was set back since do not count.
        """
        seen = [(at, known[path]) for at, known in self._samples() if path in known and at < now]
        if not seen or now - seen[0][0] < SHORTEST_SPAN_SECONDS:
            return None
        begun, then = seen[0]
        per_day = (then - free) / (now - begun) * DAY_SECONDS
        return max(0.0, (free - least) / per_day) if per_day > 0 else None

    def _samples(self) -> Sequence[Sample]:
        try:
            samples = json.loads(self._facts.get(FACT) or "[]")
            return [(float(at), {str(path): int(free) for path, free in known.items()}) for at, known in samples]
        except (ValueError, TypeError, AttributeError):
            return []
