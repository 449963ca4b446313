"""Whether a peer makes progress: how long it is waited for, and how much work it may cause that brings no images.

What counts is bytes of images. A slow and honest modality brings some all the time; whoever trickles, or sends
fragments of no bytes, C-CANCEL or C-ECHO without end, brings none, and is slowed down and at last disconnected.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from leapfrog.errors import LeapfrogError

# Of images. A modem of 1995 brings ten times as much, and even a film that comes so slowly is waited for.
LEAST_BYTES_PER_SECOND = 256.0
# A fragment of so many bytes pays for its own handling; DCMTK's shortest have 4,000.
PAID_BYTES = 1024
FRAGMENTS_PER_SECOND = 500.0  # shorter ones, or without any byte of an image: half a percent of a processor
FRAGMENTS_AT_ONCE = 10_000.0
DISTURBING_FRAGMENTS = 100.0  # at first, of a machine that disturbs: it would begin anew with each association
MESSAGE_FRAGMENTS = 20.0  # what a message costs that stores nothing: it is decoded and answered
SHORTEST_PAUSE_SECONDS = 0.05
USELESS_AT_FIRST_SECONDS = 4.0  # for these it has brought nothing before it begins
FLOOD_COST = 5.0  # of patience: nobody waits as long for a peer that has to be slowed down as for a silent one
FLOOD_SECONDS = 2.0  # a peer that was slowed down for so long floods


class NoProgress(LeapfrogError):
    """The peer was silent for too long, or what it sent brought no image."""

    def __init__(self) -> None:
        """Has one sentence."""
        super().__init__("The peer was silent, or sent nothing of use, for too long.")


class Progress:
    """How much longer one peer is waited for. One thread uses it; any may call `end` and ask for `useless_seconds`."""

    def __init__(
        self,
        idle_seconds: float,
        on_flood: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        *,
        disturbs: bool = False,
    ) -> None:
        """A peer that makes no progress for `idle_seconds` is not waited for. `on_flood` is called once, when it had to
        be slowed down; one of a machine that already `disturbs` is slowed down sooner.
        """
        self._idle_seconds = idle_seconds
        self._on_flood = on_flood
        self._clock = clock
        self._sleep = sleep
        self._patience = idle_seconds
        self._looked = self._charged = clock()
        self._stored = self._looked - USELESS_AT_FIRST_SECONDS
        self._allowance = DISTURBING_FRAGMENTS if disturbs else FRAGMENTS_AT_ONCE
        self._paused_seconds = 0.0
        self._is_over = False
        self.was_used = False  # whether it ever began a message that makes sense

    def seconds_left(self) -> float:
        """How much longer to wait for it. Raises NoProgress when that is over."""
        now = self._clock()
        self._patience -= now - self._looked
        self._looked = now
        if self._patience <= 0 or self._is_over:
            raise NoProgress
        return self._patience

    def useless_seconds(self) -> float:
        """How far it is behind a peer that stores images at the slowest rate that is waited for."""
        return max(0.0, self._clock() - self._stored)

    def end(self) -> None:
        """Have it not waited for any longer. Called from another thread."""
        self._is_over = True

    def sign_of_life(self) -> None:
        """It began a message that makes sense: all patience is back, unless it floods."""
        self.was_used = True
        if self._allowance < 0:
            return
        self._looked = self._clock()
        self._patience = self._idle_seconds

    def image_bytes(self, count: int) -> None:
        """Bytes of an image have come."""
        seconds = count / LEAST_BYTES_PER_SECOND
        self._patience = min(self._idle_seconds, self._patience + seconds)
        self._stored = min(self._clock(), self._stored + seconds)
        self._allowance = min(FRAGMENTS_AT_ONCE, self._allowance + count / PAID_BYTES)

    @contextmanager
    def own_work(self) -> Iterator[None]:
        """What the box itself does within is not counted against the peer."""
        began = self._clock()
        try:
            yield
        finally:
            seconds = self._clock() - began
            self._looked += seconds
            self._stored += seconds

    def fragment(self) -> None:
        """A fragment came. Pauses when too many came that brought nothing. Raises NoProgress."""
        self._charge(1.0)

    def message_without_image(self) -> None:
        """A message came that stores nothing. Pauses and raises as `fragment` does."""
        self._charge(MESSAGE_FRAGMENTS)

    def _charge(self, fragments: float) -> None:
        now = self._clock()
        allowance = min(FRAGMENTS_AT_ONCE, self._allowance + (now - self._charged) * FRAGMENTS_PER_SECOND)
        self._allowance, self._charged = allowance - fragments, now
        pause = -self._allowance / FRAGMENTS_PER_SECOND
        if pause >= SHORTEST_PAUSE_SECONDS:
            self._sleep(pause)
            self._patience -= pause * (FLOOD_COST - 1)
            self._note_pause(pause)
            self.seconds_left()

    def _note_pause(self, seconds: float) -> None:
        before, self._paused_seconds = self._paused_seconds, self._paused_seconds + seconds
        if before < FLOOD_SECONDS <= self._paused_seconds:
            self._on_flood()
