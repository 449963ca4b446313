"""`district.bytes_per_second`: over all bodies to all destinations together."""

import threading
import time
from collections.abc import Callable

# With a limit, so many pieces are sent per second: a steady trickle instead of bursts.
PIECES_PER_SECOND = 10
SMALLEST_PIECE_BYTES = 512


class Throttle:
    """Limits the bytes per second that are sent. Any thread may call it."""

    def __init__(self, bytes_per_second: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        """0 means no limit."""
        self.bytes_per_second = bytes_per_second
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._free_at = monotonic()

    def piece_bytes(self, most: int) -> int:
        """The size of the pieces to send, at most `most`."""
        if not self.bytes_per_second:
            return most
        return max(SMALLEST_PIECE_BYTES, min(most, self.bytes_per_second // PIECES_PER_SECOND))

    def take(self, byte_count: int, wait: Callable[[float], object]) -> None:
        """Wait until `byte_count` more may be sent. `wait` sleeps for the given seconds, or less when the box is
        stopping.
        """
        if not self.bytes_per_second:
            return
        with self._lock:
            now = self._monotonic()
            pause = self._free_at - now
            self._free_at = max(self._free_at, now) + byte_count / self.bytes_per_second
        if pause > 0:
            wait(pause)
