"""How long a peer is waited for, and what is slowed down."""

import threading
import time

import pytest

from leapfrog.intake.receiver.progress import (
    FLOOD_SECONDS,
    FRAGMENTS_AT_ONCE,
    FRAGMENTS_PER_SECOND,
    HOLDING_BYTES_PER_SECOND,
    LEAST_BYTES_PER_SECOND,
    LONGEST_PAUSE_SECONDS,
    MESSAGE_FRAGMENTS,
    PROCESSOR_SECONDS_AT_ONCE,
    PROCESSOR_SHARE,
    USELESS_AT_FIRST_SECONDS,
    NoProgress,
    Progress,
)


class Clock:
    """Time that passes when a test says so, or a peer is made to wait."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0.0
        self.worked = 0.0  # by a processor, for the peer

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds

    def processor(self) -> float:
        return self.worked

    def work(self, seconds: float) -> None:
        self.now += seconds
        self.worked += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def progress(clock: Clock, floods: list[None] | None = None) -> Progress:
    noted = [] if floods is None else floods
    return Progress(60.0, lambda: noted.append(None), clock, clock.sleep, clock.processor)


def test_silence_is_waited_for_as_long_as_the_settings_say(clock: Clock) -> None:
    peer = progress(clock)
    clock.now += 59
    assert peer.seconds_left() == pytest.approx(1)
    clock.now += 2
    with pytest.raises(NoProgress):
        peer.seconds_left()


def test_a_film_over_a_poor_link_is_waited_for_however_long_it_takes(clock: Clock) -> None:
    peer = progress(clock)
    for second in range(36_000):  # ten hours at 300 bytes a second, with half a minute of nothing now and then
        pause = 30 if second % 3600 == 3599 else 1
        clock.now += pause
        assert peer.seconds_left() > 0
        peer.image_bytes(300)
    assert peer.useless_seconds() < 31


def test_a_trickle_is_not(clock: Clock) -> None:
    peer = progress(clock)
    with pytest.raises(NoProgress):
        for _ in range(100):
            clock.now += 1
            peer.seconds_left()
            peer.image_bytes(int(LEAST_BYTES_PER_SECOND / 4))


def test_whoever_brings_just_enough_to_be_waited_for_is_slow(clock: Clock) -> None:
    trickling, sending = progress(clock), progress(clock)
    for _ in range(60):
        clock.now += 1
        trickling.image_bytes(1_200)
        sending.image_bytes(int(HOLDING_BYTES_PER_SECOND) + 1)
    assert trickling.useless_seconds() == 0
    assert trickling.slow_seconds() > 50
    assert sending.slow_seconds() <= USELESS_AT_FIRST_SECONDS


def test_work_of_the_box_itself_is_not_counted_against_the_peer(clock: Clock) -> None:
    peer = progress(clock)
    with peer.own_work():
        clock.now += 300  # a slow disk
    assert peer.seconds_left() == pytest.approx(60)
    assert peer.useless_seconds() == USELESS_AT_FIRST_SECONDS


def test_images_are_never_slowed_down(clock: Clock) -> None:
    peer = progress(clock)
    for _ in range(200_000):  # 800 MB of DCMTK's shortest fragments, in no time
        peer.fragment()
        peer.image_bytes(4_000)
    assert clock.slept == 0


def test_an_image_in_tiny_fragments_passes_slowly(clock: Clock) -> None:
    floods: list[None] = []
    peer = progress(clock, floods)
    for _ in range(30_000):
        peer.fragment()
        peer.image_bytes(300)
    assert 10 < clock.slept < 30
    assert peer.seconds_left() == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("fragments", "charge"),
    [(1.0, "fragment"), (MESSAGE_FRAGMENTS, "message_without_image")],
)
def test_a_flood_without_images_is_slowed_down_named_once_and_ended(
    clock: Clock, fragments: float, charge: str
) -> None:
    floods: list[None] = []
    peer = progress(clock, floods)
    sent = 0
    with pytest.raises(NoProgress):
        for _ in range(10_000_000):
            sent += 1
            peer.sign_of_life()
            getattr(peer, charge)()
    assert sent * fragments == pytest.approx(FRAGMENTS_AT_ONCE + 12 * FRAGMENTS_PER_SECOND, rel=0.05)
    assert len(floods) == 1
    assert clock.slept > FLOOD_SECONDS


def test_costly_messages_are_slowed_down_and_named_whatever_they_are(clock: Clock) -> None:
    """Each is a data set of very many elements, which is refused."""
    floods: list[None] = []
    peer = progress(clock, floods)
    began = clock.now
    for _ in range(300):
        peer.sign_of_life()
        peer.fragment()
        peer.image_bytes(10_000)
        clock.work(0.03)
        peer.message_without_image()
    assert clock.worked < PROCESSOR_SECONDS_AT_ONCE + 2 * PROCESSOR_SHARE * (clock.now - began)
    assert len(floods) == 1


def test_an_image_pays_for_the_work_that_it_causes(clock: Clock) -> None:
    peer = progress(clock)
    for _ in range(10_000):
        peer.fragment()
        peer.image_bytes(30_000)
        clock.work(0.02)  # several times as much as was measured
        peer.image_stored()
    assert clock.slept == 0
    assert peer.unpaid_seconds() < PROCESSOR_SECONDS_AT_ONCE


def test_a_pause_ends_when_the_peer_is_to_end(clock: Clock) -> None:
    peer = Progress(60.0, processor=clock.processor)
    clock.work(PROCESSOR_SECONDS_AT_ONCE + 10)
    ending = threading.Timer(0.1, peer.end)
    ending.start()
    began = time.monotonic()
    with pytest.raises(NoProgress):
        peer.fragment()
    assert time.monotonic() - began < LONGEST_PAUSE_SECONDS / 2
    ending.join()


def test_echoes_at_ease_hold_an_association_for_ever_and_make_it_useless(clock: Clock) -> None:
    floods: list[None] = []
    peer = progress(clock, floods)
    for _ in range(5_000):
        clock.now += 10
        peer.fragment()
        peer.sign_of_life()
        peer.message_without_image()
    assert peer.seconds_left() > 0
    assert peer.useless_seconds() == pytest.approx(50_000 + USELESS_AT_FIRST_SECONDS)
    assert clock.slept == 0
    assert floods == []


def test_a_machine_that_disturbs_is_slowed_down_sooner(clock: Clock) -> None:
    peer = Progress(60.0, clock=clock, sleep=clock.sleep, processor=clock.processor, disturbs=True)
    for _ in range(10):
        peer.message_without_image()
    assert clock.slept > 0


def test_a_peer_that_is_to_end_is_not_waited_for(clock: Clock) -> None:
    peer = progress(clock)
    peer.end()
    with pytest.raises(NoProgress):
        peer.seconds_left()
    with pytest.raises(NoProgress):
        for _ in range(20_000):
            peer.fragment()


def test_a_peer_that_stores_again_is_useful_again(clock: Clock) -> None:
    peer = progress(clock)
    clock.now += 50
    peer.image_bytes(1_000_000)
    assert peer.useless_seconds() == 0
