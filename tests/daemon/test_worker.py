"""A part's thread: it is woken, it shows that it lives, and it ends."""

import threading
import time

import pytest

from leapfrog.worker import UNTIL_WOKEN, Worker
from support.clocks import Clocks
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


def test_asleep_it_lives_and_hung_in_a_turn_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks()
    monkeypatch.setattr("leapfrog.worker.time", clocks)
    worker = Counting(pause=UNTIL_WOKEN)
    worker.start()
    clocks.seconds += 3600
    wait_until(lambda: worker.heartbeat() == clocks.seconds, "it sleeps and lives")
    worker.held.clear()
    worker.wake()
    wait_until(lambda: worker.turns == 2, "it was woken")
    last = clocks.seconds
    clocks.seconds += 3600
    assert worker.heartbeat() == last
    worker.held.set()
    wait_until(lambda: worker.heartbeat() == clocks.seconds, "it sleeps again")
    worker.stop()


def test_one_that_does_not_rise_when_it_said_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks()
    monkeypatch.setattr("leapfrog.worker.time", clocks)
    worker = Counting(pause=600)
    worker.start()
    begun = clocks.seconds
    wait_until(lambda: worker._alive_until == begun + 600, "it sleeps")
    clocks.seconds += 599
    assert worker.heartbeat() == begun + 599
    clocks.seconds += 3600
    assert worker.heartbeat() == begun + 600
    worker.stop()


def test_a_sign_of_life_in_a_long_turn_holds_for_as_long_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks()
    monkeypatch.setattr("leapfrog.worker.time", clocks)
    worker = Counting(pause=600)
    assert worker.beat(60)
    clocks.seconds += 3600
    assert worker.heartbeat() == clocks.seconds - 3540


def test_a_stop_between_a_sign_of_life_and_the_turn_is_not_lost() -> None:
    class StoppedInTheGap(Counting):
        def beat(self, seconds: float = 0.0) -> bool:
            going_on = super().beat(seconds)
            if threading.current_thread() is self._thread and not self.turns and not self._stopping.is_set():
                self._stopping.set()
                self._woken.set()
            return going_on

    worker = StoppedInTheGap(pause=UNTIL_WOKEN)
    worker.start()
    try:
        wait_until(lambda: worker.turns == 1, "the turn that had been begun")
        wait_until(lambda: not worker._thread.is_alive(), "it has ended", deadline_seconds=5)
    finally:
        worker._woken.set()


def test_it_ends_at_once_where_it_waits_and_also_when_it_never_began() -> None:
    worker = Counting(pause=600)
    worker.start()
    wait_until(lambda: worker.turns == 1, "the first turn")
    began = time.monotonic()
    worker.stop()
    assert time.monotonic() - began < 60
    assert not worker.beat()
    Counting(pause=600).stop()
