"""Which archives this box is just sending to: an old one may take one association at a time, and is then not down."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Associations:
    """Of all senders. Any thread may call it."""

    def __init__(self) -> None:
        """Nothing is sent."""
        self._lock = threading.Lock()
        self._sending: Counter[str] = Counter()

    @contextmanager
    def sending_to(self, archive: str) -> Iterator[None]:
        """Note that something is sent to the archive of this name."""
        with self._lock:
            self._sending[archive] += 1
        try:
            yield
        finally:
            with self._lock:
                self._sending[archive] -= 1

    def is_sending_to(self, archive: str) -> bool:
        """Whether something is sent to the archive of this name."""
        with self._lock:
            return self._sending[archive] > 0
