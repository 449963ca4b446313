"""A part of the main process that works on a thread of its own, turn by turn, until it is stopped."""

import math
import threading
import time
from abc import ABC, abstractmethod

UNTIL_WOKEN = math.inf  # a turn's answer: nothing will be due of itself


class Worker(ABC):
    """One thread, its sign of life, and how it is woken and ended.

    Sleep is a sign of life, however long: the thread says before it sleeps when it will rise at the latest, and nothing
    can hang there. What hangs does so in a turn, and each turn begins with a sign that holds for a moment only. So a
    part need not rise just to show that it lives.
    """

    def __init__(self, name: str) -> None:
        """Nothing runs until `start`."""
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._alive_until = math.inf  # what does not run owes no sign of life
        self._thread = threading.Thread(target=self._work, name=name)

    @abstractmethod
    def turn(self) -> float:
        """Do what is due now. Returns for how many seconds there is nothing to do, unless it is woken; UNTIL_WOKEN when
        only others can bring something.
        """

    def start(self) -> None:
        """Begin with the first turn."""
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        """End after the turn in hand."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """There may be something to do: a turn begins after this call. From any thread; returns at once."""
        self._woken.set()

    def heartbeat(self) -> float:
        """time.monotonic() of the last sign of life: now, while one holds."""
        return min(time.monotonic(), self._alive_until)

    def beat(self, seconds: float = 0.0) -> bool:
        """A sign of life in the midst of a long turn; it holds for so long. Returns whether to go on."""
        self._alive_until = time.monotonic() + seconds
        return not self._stopping.is_set()

    def _work(self) -> None:
        while self.beat():
            if (pause := self.turn()) > 0:
                self.beat(pause)
                self._woken.wait(min(pause, threading.TIMEOUT_MAX))
            # Only here, before the next look at `_stopping` and at the work: whoever calls set his flag or committed
            # his row first, so a call that is forgotten here is heeded there. Later, it would be lost for good.
            self._woken.clear()
