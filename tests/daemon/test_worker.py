"""The thread of a part: how it is woken, shows that it is alive, and stops."""

import threading
import time

import pytest

from leapfrog.worker import UNTIL_WOKEN, Worker
from support.clocks import Clocks
from support.waiting import wait_until


class Counting(Worker):
    """Counts its turns; a turn lasts until `may_end_turn` is set."""

    def __init__(self, pause: float) -> None:
        super().__init__("counting")
        self.turns = 0
        self.may_end_turn = threading.Event()
        self.may_end_turn.set()
        self._pause = pause

    def turn(self) -> float:
        self.turns += 1
        self.may_end_turn.wait()
        return self._pause


def test_a_wake_during_a_turn_causes_another_turn() -> None:
    worker = Counting(pause=600)
    worker.may_end_turn.clear()
    worker.start()
    wait_until(lambda: worker.turns == 1, "the first turn")
    worker.wake()
    worker.may_end_turn.set()
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


def test_a_sleeping_worker_counts_as_alive_and_one_hung_in_a_turn_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks()
    monkeypatch.setattr("leapfrog.worker.time", clocks)
    worker = Counting(pause=UNTIL_WOKEN)
    worker.start()
    clocks.seconds += 3600
    wait_until(lambda: worker.heartbeat() == clocks.seconds, "it sleeps and counts as alive")
    worker.may_end_turn.clear()
    worker.wake()
    wait_until(lambda: worker.turns == 2, "it was woken")
    last = clocks.seconds
    clocks.seconds += 3600
    assert worker.heartbeat() == last
    worker.may_end_turn.set()
    wait_until(lambda: worker.heartbeat() == clocks.seconds, "it sleeps again")
    worker.stop()


def test_a_worker_that_does_not_wake_up_on_time_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks()
    monkeypatch.setattr("leapfrog.worker.time", clocks)
    worker = Counting(pause=600)
    worker.start()
    started = clocks.seconds
    wait_until(lambda: worker._alive_until == started + 600, "it sleeps")
    clocks.seconds += 599
    assert worker.heartbeat() == started + 599
    clocks.seconds += 3600
    assert worker.heartbeat() == started + 600
    worker.stop()


def test_a_sign_of_life_during_a_long_turn_is_valid_for_as_long_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks()
    monkeypatch.setattr("leapfrog.worker.time", clocks)
    worker = Counting(pause=600)
    assert worker.beat(60)
    clocks.seconds += 3600
    assert worker.heartbeat() == clocks.seconds - 3540


def test_a_stop_between_a_sign_of_life_and_the_turn_is_not_lost() -> None:
    class StoppedInTheGap(Counting):
        def beat(self, seconds: float = 0.0) -> bool:
            go_on = super().beat(seconds)
            if threading.current_thread() is self._thread and not self.turns and not self._stopping.is_set():
                self._stopping.set()
                self._woken.set()
            return go_on

    worker = StoppedInTheGap(pause=UNTIL_WOKEN)
    worker.start()
    try:
        wait_until(lambda: worker.turns == 1, "the turn that was about to start")
        wait_until(lambda: not worker._thread.is_alive(), "it has stopped", deadline_seconds=5)
    finally:
        worker._woken.set()


def test_a_sleeping_worker_and_one_never_started_stop_at_once() -> None:
    worker = Counting(pause=600)
    worker.start()
    wait_until(lambda: worker.turns == 1, "the first turn")
    started = time.monotonic()
    worker.stop()
    assert time.monotonic() - started < 60
    assert not worker.beat()
    Counting(pause=600).stop()
