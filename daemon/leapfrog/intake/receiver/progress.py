"""Whether a peer makes progress: how long it is waited for, and how much work it may cause that brings no images.

What counts is bytes of images. A slow and honest modality brings some all the time; whoever trickles, or sends
fragments of no bytes, C-CANCEL or C-ECHO without end, brings none, and is slowed down and at last disconnected.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from leapfrog.errors import LeapfrogError

# Of images. A modem of 1995 brings ten times as much, and even a film that comes so slowly is waited for.
LEAST_BYTES_PER_SECOND = 256.0
# Of images. Whoever brings fewer, though enough to be waited for, holds no place against a machine without one.
HOLDING_BYTES_PER_SECOND = 16 * 1024.0
# A fragment of so many bytes pays for its own handling; DCMTK's shortest have 4,000.
PAID_BYTES = 1024
FRAGMENTS_PER_SECOND = 500.0  # shorter ones, or without any byte of an image: half a percent of a processor
FRAGMENTS_AT_ONCE = 10_000.0
DISTURBING_FRAGMENTS = 100.0  # at first, of a machine that disturbs: it would begin anew with each association
MESSAGE_FRAGMENTS = 20.0  # what a message costs that stores nothing: it is decoded and answered
# Whatever a peer sends, it costs time of the one processor that all associations share (Python's GIL). What is beyond
# what its images pay for has to wait, as fragments do. Of an honest modality at full speed at most 1.4 ms were ever
# unpaid, whatever the size of its images; a slow box may need several times as long.
PAID_SECONDS_PER_BYTE = 60e-9
PAID_SECONDS_PER_IMAGE = 0.03
PROCESSOR_SHARE = 0.01  # of one, that is not paid for
PROCESSOR_SECONDS_AT_ONCE = 0.5
DISTURBING_PROCESSOR_SECONDS = 0.02  # at first, of a machine that disturbs
SHORTEST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0
USELESS_AT_FIRST_SECONDS = 4.0  # for these it has brought nothing before it begins
FLOOD_COST = 5.0  # of patience: nobody waits as long for a peer that has to be slowed down as for a silent one
FLOOD_SECONDS = 2.0  # a peer that was slowed down for so long floods


class NoProgress(LeapfrogError):
    """The peer was silent for too long, or what it sent brought no image."""

    def __init__(self) -> None:
        """Has one sentence."""
        super().__init__("The peer was silent, or sent nothing of use, for too long.")


class Progress:
    """How much longer one peer is waited for. One thread uses it; any may call `end` and ask for `useless_seconds` and
    `slow_seconds`.
    """

    def __init__(
        self,
        idle_seconds: float,
        on_flood: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        processor: Callable[[], float] = time.thread_time,
        *,
        disturbs: bool = False,
    ) -> None:
        """A peer that makes no progress for `idle_seconds` is not waited for. `on_flood` is called once, when it had to
        be slowed down; one of a machine that already `disturbs` is slowed down sooner. `processor` tells the seconds
        that a processor worked in the thread that serves the peer; those before now are not counted.
        """
        self._idle_seconds = idle_seconds
        self._on_flood = on_flood
        self._clock = clock
        self._over = threading.Event()
        self._sleep = sleep or self._over.wait
        self._patience = idle_seconds
        self._looked = self._charged = clock()
        self._stored = self._held = self._looked - USELESS_AT_FIRST_SECONDS
        self._allowance = DISTURBING_FRAGMENTS if disturbs else FRAGMENTS_AT_ONCE
        self._processor = processor
        self._worked = processor()
        self._unpaid = 0.0
        self._unpaid_at_once = DISTURBING_PROCESSOR_SECONDS if disturbs else PROCESSOR_SECONDS_AT_ONCE
        self._paused_seconds = 0.0
        self.was_used = False  # whether it ever began a message that makes sense

    def seconds_left(self) -> float:
        """How much longer to wait for it. Raises NoProgress when that is over."""
        now = self._clock()
        self._patience -= now - self._looked
        self._looked = now
        if self._patience <= 0 or self._over.is_set():
            raise NoProgress
        return self._patience

    def useless_seconds(self) -> float:
        """How far it is behind a peer that stores images at the slowest rate that is waited for."""
        return max(0.0, self._clock() - self._stored)

    def slow_seconds(self) -> float:
        """How far it is behind a peer that brings images just fast enough to hold its place against others."""
        return max(0.0, self._clock() - self._held)

    def unpaid_seconds(self) -> float:
        """Of a processor's work, what the images of the peer have not paid for."""
        return max(0.0, self._unpaid + self._processor() - self._worked)

    def end(self) -> None:
        """Have it not waited for any longer. Called from another thread."""
        self._over.set()

    def sign_of_life(self) -> None:
        """It began a message that makes sense: all patience is back, unless it floods."""
        self.was_used = True
        if self._allowance < 0 or self._unpaid > self._unpaid_at_once:
            return
        self._looked = self._clock()
        self._patience = self._idle_seconds

    def image_bytes(self, count: int) -> None:
        """Bytes of an image have come."""
        seconds = count / LEAST_BYTES_PER_SECOND
        self._patience = min(self._idle_seconds, self._patience + seconds)
        self._stored = min(self._clock(), self._stored + seconds)
        self._held = min(self._clock(), self._held + count / HOLDING_BYTES_PER_SECOND)
        self._allowance = min(FRAGMENTS_AT_ONCE, self._allowance + count / PAID_BYTES)
        self._unpaid -= count * PAID_SECONDS_PER_BYTE

    def image_stored(self) -> None:
        """An image was stored, which costs the box some work."""
        self._unpaid -= PAID_SECONDS_PER_IMAGE

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
            self._held += seconds

    def fragment(self) -> None:
        """A fragment came. Pauses when too many came that brought nothing. Raises NoProgress."""
        self._charge(1.0)

    def message_without_image(self) -> None:
        """A message came that stores nothing. Pauses and raises as `fragment` does."""
        self._charge(MESSAGE_FRAGMENTS)

    def _charge(self, fragments: float) -> None:
        now = self._clock()
        seconds, self._charged = now - self._charged, now
        allowance = min(FRAGMENTS_AT_ONCE, self._allowance + seconds * FRAGMENTS_PER_SECOND)
        self._allowance = allowance - fragments
        pause = min(max(-self._allowance / FRAGMENTS_PER_SECOND, self._pause_for_work(seconds)), LONGEST_PAUSE_SECONDS)
        if pause >= SHORTEST_PAUSE_SECONDS:
            self._sleep(pause)
            self._patience -= pause * (FLOOD_COST - 1)
            self._note_pause(pause)
            self.seconds_left()

    def _pause_for_work(self, seconds: float) -> float:
        """How long it must wait for the processor's work that nothing has paid for, `seconds` after the last look."""
        self._unpaid = max(0.0, self.unpaid_seconds() - seconds * PROCESSOR_SHARE)
        self._worked = self._processor()
        return (self._unpaid - self._unpaid_at_once) / PROCESSOR_SHARE

    def _note_pause(self, seconds: float) -> None:
        before, self._paused_seconds = self._paused_seconds, self._paused_seconds + seconds
        if before < FLOOD_SECONDS <= self._paused_seconds:
            self._on_flood()
