"""How fast a destination's link is, by what it has really carried."""

import threading

# What was measured so many seconds of sending ago counts half.
HALF_LIFE_SECONDS = 300.0
# Less says nothing of a link: a few small objects take round trips more than anything else.
LEAST_BYTES = 32_768


class LinkRate:
    """A moving average. Any thread may call it."""

    def __init__(self) -> None:
        """Nothing has been sent yet."""
        self._lock = threading.Lock()
        self._bytes, self._seconds = 0.0, 0.0

    def note(self, byte_count: int, seconds: float) -> None:
        """So many bytes were sent in so many seconds, without those in which they made way for something else."""
        if byte_count <= 0 or seconds <= 0:
            return
        with self._lock:
            fading = 0.5 ** (seconds / HALF_LIFE_SECONDS)
            self._bytes = self._bytes * fading + byte_count
            self._seconds = self._seconds * fading + seconds

    def bytes_per_second(self) -> float | None:
        """What the link carries; None while too little was sent to tell."""
        with self._lock:
            return self._bytes / self._seconds if self._bytes >= LEAST_BYTES else None
