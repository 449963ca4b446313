"""`district.bytes_per_second`: over all bodies to all destinations together."""

import threading
import time
from collections.abc import Callable

# Small enough that even a link of a few hundred bytes per second accepts a chunk within the timeout of one send.
CHUNK_BYTES = 16_384
# With a rate limit, this many chunks are sent per second: a steady trickle instead of bursts.
CHUNKS_PER_SECOND = 10
SMALLEST_CHUNK_BYTES = 512


class Throttle:
    """Limits the bytes per second that are sent, over all requests together. Any thread may call it."""

    def __init__(
        self,
        bytes_per_second: int,
        wait: Callable[[float], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """0 means no limit. `wait` sleeps for the given seconds, or less when the box is stopping."""
        self.bytes_per_second = self._bytes_per_second = bytes_per_second
        self._lock = threading.Lock()
        self._wait = wait
        self._monotonic = monotonic
        self._free_at = monotonic()

    @property
    def chunk_bytes(self) -> int:
        """The size of the chunks to send."""
        if not self._bytes_per_second:
            return CHUNK_BYTES
        return max(SMALLEST_CHUNK_BYTES, min(CHUNK_BYTES, self._bytes_per_second // CHUNKS_PER_SECOND))

    def take(self, byte_count: int) -> None:
        """Wait until `byte_count` more may be sent."""
        if not self._bytes_per_second:
            return
        with self._lock:
            pause = self._free_at - self._monotonic()
            self._free_at += max(0.0, -pause) + byte_count / self._bytes_per_second
        if pause > 0:
            self._wait(pause)
