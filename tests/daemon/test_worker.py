"""A part's thread: it is woken, it shows that it lives, and it ends."""

import threading
import time

from leapfrog.worker import Worker
from support.waiting import wait_until


class Counting(Worker):
    """Notes each turn; a turn takes as long as `held` is clear."""

    def __init__(self, pause: float) -> None:
        super().__init__("counting")
        self.turns = 0
        self.held = threading.Event()
        self.held.set()
        self._pause = pause

    def turn(self) -> float:
        self.turns += 1
        self.held.wait()
        return self._pause


def test_a_wake_in_the_midst_of_a_turn_brings_another_turn() -> None:
    worker = Counting(pause=600)
    worker.held.clear()
    worker.start()
    wait_until(lambda: worker.turns == 1, "the first turn")
    worker.wake()
    worker.held.set()
    wait_until(lambda: worker.turns == 2, "the turn that was asked for")
    time.sleep(0.1)
    assert worker.turns == 2
    worker.stop()


def test_without_a_wake_the_next_turn_comes_after_the_pause_and_shows_life() -> None:
    worker = Counting(pause=0.01)
    worker.start()
    before = worker.heartbeat()
    wait_until(lambda: worker.turns > 3, "several turns")
    assert worker.heartbeat() > before
    worker.stop()


def test_it_ends_at_once_where_it_waits_and_also_when_it_never_began() -> None:
    worker = Counting(pause=600)
    worker.start()
    wait_until(lambda: worker.turns == 1, "the first turn")
    began = time.monotonic()
    worker.stop()
    assert time.monotonic() - began < 60
    assert not worker.beat()
    Counting(pause=600).stop()
