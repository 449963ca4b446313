"""A part of the main process with its own thread, which works turn by turn until it is stopped."""

import math
import threading
import time
from abc import ABC, abstractmethod

UNTIL_WOKEN = math.inf  # returned by a turn: nothing will be due until somebody calls `wake`


class Worker(ABC):
    """One thread: its signs of life, and how it is woken and stopped.

    A sleeping worker counts as alive, however long it sleeps: before it sleeps it notes when it will wake at the
    latest, and it cannot hang while it sleeps. It can hang in a turn, so each turn begins with a sign of life that is
    valid only for that moment. So a worker need not wake up just to show that it is alive.
    """

    def __init__(self, name: str) -> None:
        """The thread does not run until `start`."""
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._alive_until = math.inf  # a worker that was not started counts as alive
        self._thread = threading.Thread(target=self._work, name=name)

    @abstractmethod
    def turn(self) -> float:
        """Do what is due now. Returns how many seconds to sleep unless woken, or UNTIL_WOKEN when there will be nothing
        to do until somebody calls `wake`.
        """

    def start(self) -> None:
        """Start the thread with its first turn."""
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current turn, and wait for that."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Start another turn, because there may be something to do. May be called from any thread; returns at once."""
        self._woken.set()

    def heartbeat(self) -> float:
        """time.monotonic() of the last sign of life: the present time, while that sign is valid."""
        return min(time.monotonic(), self._alive_until)

    def beat(self, seconds: float = 0.0) -> bool:
        """Give a sign of life that is valid for `seconds`, also during a long turn. Returns whether to go on."""
        self._alive_until = time.monotonic() + seconds
        return not self._stopping.is_set()

    def _work(self) -> None:
        while self.beat():
            if (pause := self.turn()) > 0:
                self.beat(pause)
                self._woken.wait(min(pause, threading.TIMEOUT_MAX))
            # Clear `_woken` only here, before the next check of `_stopping` and of the work. A caller sets the flag or
            # commits the row before it wakes us, so that check notices even a wake that is cleared here. If `_woken`
            # were cleared after the check, a wake in between would be lost.
            self._woken.clear()
