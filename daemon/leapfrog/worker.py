"""A part of the main process that works on a thread of its own, turn by turn, until it is stopped."""

import threading
import time
from abc import ABC, abstractmethod


class Worker(ABC):
    """One thread, its sign of life, and how it is woken and ended."""

    def __init__(self, name: str) -> None:
        """Nothing runs until `start`."""
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._beat = time.monotonic()
        self._thread = threading.Thread(target=self._work, name=name)

    @abstractmethod
    def turn(self) -> float:
        """Do what is due now. Returns for how many seconds there is nothing to do, unless it is woken."""

    def start(self) -> None:
        """Begin with the first turn."""
        self._beat = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End after the turn in hand."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """There may be something to do. From any thread; returns at once."""
        self._woken.set()

    def heartbeat(self) -> float:
        """time.monotonic() of the last sign of life."""
        return self._beat

    def beat(self) -> bool:
        """A sign of life in the midst of a long turn. Returns whether to go on."""
        self._beat = time.monotonic()
        return not self._stopping.is_set()

    def _work(self) -> None:
        while self.beat():
            self._woken.clear()
            if (pause := self.turn()) > 0:
                self._woken.wait(pause)
