"""`district.bytes_per_second` holds over everything together."""

import threading
import time

import pytest

from leapfrog.outbox.pacing.throttle import Throttle


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize(("piece_bytes", "count"), [(1_000, 100), (10, 10_000)])
def test_the_rate_holds_over_large_and_over_many_small_pieces(piece_bytes: int, count: int) -> None:
    clock = Clock()
    throttle = Throttle(10_000, clock.sleep, clock)
    begun = clock()
    for _ in range(count):
        throttle.take(piece_bytes)
    assert piece_bytes * count / (clock() - begun) == pytest.approx(10_000, rel=0.05)


def test_two_threads_share_the_rate() -> None:
    throttle = Throttle(20_000, time.sleep)
    begun = time.monotonic()

    def send() -> None:
        for _ in range(5):
            throttle.take(1_000)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun >= 0.4


def test_a_limited_rate_goes_out_in_a_steady_trickle() -> None:
    assert Throttle(2_000, time.sleep).chunk_bytes == 512
    assert Throttle(50_000, time.sleep).chunk_bytes == 5_000
    assert Throttle(0, time.sleep).chunk_bytes == 16_384


def test_no_rate_is_saved_up_while_nothing_is_sent() -> None:
    clock = Clock()
    throttle = Throttle(1_000, clock.sleep, clock)
    clock.sleep(3600)
    begun = clock()
    for _ in range(11):
        throttle.take(1_000)
    assert clock() - begun == pytest.approx(10)
