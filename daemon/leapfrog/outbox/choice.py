"""Which delivery is tried next, so that those that always fail never stand in the way of the others."""

import random
import time
from collections.abc import Callable

from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.delivery_queue import DeliveryQueue

# After another attempt at what failed before, the first attempts have the link for so many times as long.
FIRST_ATTEMPTS_SHARE = 3.0


class Choice:
    """Chooses the next delivery. For one thread."""

    def __init__(
        self,
        queue: DeliveryQueue,
        monotonic: Callable[[], float] = time.monotonic,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        """`fraction` returns a random number from 0 to 1."""
        self._queue = queue
        self._monotonic = monotonic
        self._fraction = fraction
        self._retries_from = monotonic()
        self._probes = 0

    def next(self, *, probing: bool) -> DeliveryRecord | None:
        """What to try now; None when nothing is due.

        `probing`: the last ones failed, be it because of the server or because of them. So take one that was not tried
        yet from elsewhere, in turns the newest, which has least to do with them, and any: if any part of them can be
        sent, it is soon found, wherever those that fail stand.
        """
        now = self._monotonic()
        if probing:
            fraction = self._fraction() if self._probes % 2 else 1.0
            self._probes += 1
            return self._queue.any_fresh(fraction) or self._queue.next_retry(now)
        if urgent := self._queue.next_fresh(urgent_only=True):
            return urgent
        if now >= self._retries_from and (due := self._queue.next_retry(now)):
            return due
        return self._queue.next_fresh() or self._queue.next_retry(now)

    def took(self, delivery: DeliveryRecord, seconds: float) -> None:
        """Note how long the attempt took."""
        if delivery.failures:
            self._retries_from = self._monotonic() + FIRST_ATTEMPTS_SHARE * seconds
