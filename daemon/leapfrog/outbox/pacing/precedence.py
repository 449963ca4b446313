"""What is worth more goes first, over all destinations together: they share one link.

While a body moves anywhere, none of a later rank hands over its next piece (`pace.py`). When results never end,
originals get a share of the time all the same. Only urgent results have all of it.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Ranks as the column `rank` of the deliveries has them: 0 is an urgent structured report, 1 its paper, 7 and 8 are
# originals.
LAST_URGENT_RESULT, LAST_RESULT = 1, 6
# A body of which nothing has moved for so long, because a server thinks or a link is down, holds up nobody.
RESTING_SECONDS = 1.5
# Of the time that those before them have, the others get so much: a fifth of all.
SHARE = 0.25
# They begin to take it when they have saved up so much, that is when nothing of theirs went for 20 s: a handful of
# results is through by then. They save up no more than the second.
LEAST_SAVED_SECONDS, MOST_SAVED_SECONDS = 5.0, 20.0


class Turn:
    """That of one body, or of a question about an object. Any thread may call it."""

    def __init__(self, precedence: "Precedence", rank: int) -> None:
        """`rank`: the lower, the earlier."""
        self.rank = rank
        self._precedence = precedence

    def moves(self) -> None:
        """Say that something moves now."""
        self._precedence.moves(self)

    def wait(self, seconds: float) -> bool:
        """Wait at most so long until nothing that goes first moves. Returns whether that is so."""
        return self._precedence.wait(self, seconds)

    def take_share(self, seconds: float) -> bool:
        """Whether this may move for so long beside what goes first."""
        return self._precedence.take_share(self, seconds)


class Precedence:
    """Who may hand over bytes now. Any thread may call it."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nothing moves."""
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._moved_at: dict[Turn, float] = {}  # when something last moved of each
        self._counted_at = monotonic()
        self._saved_seconds = 0.0

    @contextmanager
    def turn(self, rank: int) -> Iterator[Turn]:
        """While an object is asked about, sent and confirmed. From the beginning those after it wait."""
        turn = Turn(self, rank)
        self.moves(turn)
        try:
            yield turn
        finally:
            with self._changed:
                self._count_share()
                del self._moved_at[turn]
                self._changed.notify_all()

    def is_urgent(self) -> bool:
        """Whether something urgent moves now."""
        with self._changed:
            return self._is_urgent(self._monotonic())

    def moves(self, turn: Turn) -> None:
        """See Turn."""
        with self._changed:
            self._count_share()
            self._moved_at[turn] = self._monotonic()

    def wait(self, turn: Turn, seconds: float) -> bool:
        """See Turn."""
        until = self._monotonic() + seconds
        with self._changed:
            while (free_at := self._free_at(turn)) > (now := self._monotonic()):
                if now >= until:
                    return False
                self._changed.wait(min(until, free_at) - now)
            return True

    def take_share(self, turn: Turn, seconds: float) -> bool:
        """See Turn."""
        with self._changed:
            self._count_share()
            if self._is_urgent(self._monotonic()) or self._saved_seconds < LEAST_SAVED_SECONDS:
                return False
            self._saved_seconds -= seconds
            return True

    def _count_share(self) -> None:
        """Add what was earned since this was last counted, and take off what nobody stood in the way of."""
        now = self._monotonic()
        if not self._is_urgent(now):
            results_moved_at = (at for turn, at in self._moved_at.items() if turn.rank <= LAST_RESULT)
            held_up_until = max(results_moved_at, default=-math.inf) + RESTING_SECONDS
            held_up = max(0.0, min(now, held_up_until) - self._counted_at)
            saved = self._saved_seconds + held_up * SHARE - (now - self._counted_at - held_up)
            self._saved_seconds = min(MOST_SAVED_SECONDS, max(0.0, saved))
        self._counted_at = now

    def _free_at(self, turn: Turn) -> float:
        before = (at for other, at in self._moved_at.items() if other.rank < turn.rank)
        return max(before, default=-RESTING_SECONDS) + RESTING_SECONDS

    def _is_urgent(self, now: float) -> bool:
        return any(
            turn.rank <= LAST_URGENT_RESULT and now < at + RESTING_SECONDS for turn, at in self._moved_at.items()
        )
