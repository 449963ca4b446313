"""When each of many keys is due, soonest first, in a time that hardly depends on how many there are."""

import heapq
import itertools

STALE_ENTRIES = 1000  # so many entries that no longer count may lie about before the heap is built anew


class DueTimes:
    """Keys with the moments at which they are due (time.monotonic). Not for several threads at once."""

    def __init__(self) -> None:
        """Nothing is due."""
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._order = itertools.count()  # of two that are due at once, the one that was set first

    def __len__(self) -> int:
        """How many keys are waiting for their moment."""
        return len(self._due)

    def set(self, key: str, due: float) -> None:
        """Make `key` due at `due`, whatever it was before."""
        if self._due.get(key) == due:
            return
        self._due[key] = due
        heapq.heappush(self._heap, (due, next(self._order), key))
        if len(self._heap) > 2 * len(self._due) + STALE_ENTRIES:
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)

    def discard(self, key: str) -> None:
        """Forget `key`, if it is known."""
        self._due.pop(key, None)

    def first(self) -> tuple[str, float] | None:
        """The key that is due first, and when; None when there is none."""
        while self._heap:
            due, _, key = self._heap[0]
            if self._due.get(key) == due:
                return key, due
            heapq.heappop(self._heap)
        return None
