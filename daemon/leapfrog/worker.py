"""A part of the main process that works on a thread of its own, turn by turn, until it is stopped."""

import math
import threading
import time
from abc import ABC, abstractmethod

UNTIL_WOKEN = math.inf  # what a turn returns if there is nothing to do until somebody wakes it


class Worker(ABC):
    """One thread, its sign of life, and how it is woken and ended.

    A sleeping thread counts as alive for as long as it said it would sleep, since nothing can hang there. What hangs
    does so in a turn, and a turn begins with a sign of life that is good for a moment only. So a part need not wake up
    just to show that it is alive.
    """

    def __init__(self, name: str) -> None:
        """Nothing runs until `start`."""
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._alive_until = math.inf  # a part that is not running need not show a sign of life
        self._thread = threading.Thread(target=self._work, name=name)

    @abstractmethod
    def turn(self) -> float:
        """Do what is due now. Returns for how many seconds there is nothing to do unless somebody wakes it; UNTIL_WOKEN
        if nothing becomes due by itself.
        """

    def start(self) -> None:
        """Begin with the first turn."""
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        """End after the current turn."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """There may be something to do: a turn begins after this call. From any thread; returns at once."""
        self._woken.set()

    def heartbeat(self) -> float:
        """time.monotonic() of the last sign of life, which is now while one is good."""
        return min(time.monotonic(), self._alive_until)

    def beat(self, seconds: float = 0.0) -> bool:
        """Show a sign of life within a long turn, good for this many seconds. Returns whether to go on."""
        self._alive_until = time.monotonic() + seconds
        return not self._stopping.is_set()

    def _work(self) -> None:
        while self.beat():
            if (pause := self.turn()) > 0:
                self.beat(pause)
                self._woken.wait(min(pause, threading.TIMEOUT_MAX))
            # Cleared here, before the next look at `_stopping` and at the work: callers set the flag or commit the row
            # first and wake afterwards, so a wake that is cleared here is still acted on. Any later, it would be lost.
            self._woken.clear()
