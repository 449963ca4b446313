"""How the bytes of a body go out: in pieces, within `district.bytes_per_second`, and while nothing that is worth more
moves.

The connection stays while its body pauses, and now and then a small piece goes over it: servers, and guards
before them, drop a body that pauses for longer than they wait between two reads.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from leapfrog.outbox.pacing.precedence import Turn
from leapfrog.outbox.pacing.throttle import Throttle

# Between two pieces of a paused body, at the most. nginx and Orthanc wait 60 s for the next bytes, some
# guards 10 s.
TRICKLE_SECONDS = 8.0
# The least that it may become, for a server that drops even such pauses.
LEAST_TRICKLE_SECONDS = 1.0
# A paused body sends so much now and then. Once a second, that is what Apache's mod_reqtimeout asks for.
TRICKLE_BYTES = 512
# When a connection breaks within so long after a pause, the pause may be why.
DROP_SHOWS_SECONDS = 10.0
# How long a slow link takes for one piece, about.
PIECE_SECONDS = 0.25
# How often a body that pauses looks whether it has a share of the time of what goes first.
LOOK_SECONDS = 0.2


class Pace:
    """Of the bodies of one connection, one after the other. For one thread."""

    def __init__(
        self,
        throttle: Throttle,
        progress: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`progress` is called whenever bytes are about to move. An exception that it raises ends the transfer."""
        self.throttle = throttle
        self._progress = progress
        self._monotonic = monotonic
        self._turn: Turn | None = None
        self._trickle_seconds = TRICKLE_SECONDS
        self._gap_seconds, self._gap_ended_at = 0.0, -math.inf  # the last gap between two pieces
        self.paused_seconds = 0.0  # of all bodies, ever
        self.handed_over_bytes = 0  # of all bodies, ever

    @contextmanager
    def keeping(self, turn: Turn) -> Iterator[None]:
        """Let what goes out within the context wait for what goes first."""
        self._turn = turn
        try:
            yield
        finally:
            self._turn = None

    def moves(self) -> None:
        """Bytes are about to move, in either direction."""
        self._progress()
        if self._turn is not None:
            self._turn.moves()

    def pieces(self, chunk: bytes, piece_bytes: Callable[[], int]) -> Iterator[bytes]:
        """Give `chunk` in pieces, each when it may go out. `piece_bytes` says what the connection takes well now."""
        begin = 0
        while begin < len(chunk):
            self._progress()
            most = min(piece_bytes(), self.throttle.chunk_bytes)
            if self._turn is not None:
                most = self._take_turn(self._turn, most)
            piece = chunk[begin : begin + most]
            self.throttle.take(len(piece))
            self.moves()
            self.handed_over_bytes += len(piece)
            yield piece
            begin += len(piece)

    def _take_turn(self, turn: Turn, piece_bytes: int) -> int:
        """Wait until something may go out, and say how many bytes."""
        if turn.wait(0.0):
            return piece_bytes
        begun_at = self._monotonic()
        try:
            while not turn.wait(min(LOOK_SECONDS, self._trickle_seconds)):
                self._progress()
                if turn.take_share(PIECE_SECONDS):
                    break
                if self._monotonic() - begun_at >= self._trickle_seconds:
                    return min(TRICKLE_BYTES, piece_bytes)
            return piece_bytes
        finally:
            self._gap_ended_at = self._monotonic()
            self._gap_seconds = self._gap_ended_at - begun_at
            self.paused_seconds += self._gap_seconds

    def dropped_a_pause(self) -> bool:
        """Called when a body was not answered: whether its pause may be why. From then on pauses are shorter."""
        was_now = self._monotonic() - self._gap_ended_at < DROP_SHOWS_SECONDS
        if not was_now or self._gap_seconds < LEAST_TRICKLE_SECONDS / 2:
            return False
        self._trickle_seconds = max(LEAST_TRICKLE_SECONDS, min(self._trickle_seconds, self._gap_seconds / 2))
        return True
