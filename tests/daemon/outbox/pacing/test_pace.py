"""How a body goes out: it pauses for what is worth more, and its server never waits for long."""

from collections.abc import Callable

import pytest

from leapfrog.errors import LeapfrogError
from leapfrog.outbox.pacing.pace import TRICKLE_BYTES, TRICKLE_SECONDS, Pace
from leapfrog.outbox.pacing.precedence import Turn
from leapfrog.outbox.pacing.throttle import Throttle

CHUNK = bytes(range(250)) * 40


class Waiting(Turn):
    """A turn that waits by a clock of its own, until `free_at`."""

    def __init__(self, free_at: float, share: float = 0.0) -> None:
        self.now = 0.0
        self.free_at = free_at
        self.share = share

    def moves(self) -> None:
        pass

    def wait(self, seconds: float) -> bool:
        self.now = min(max(self.now, self.free_at), self.now + seconds)
        return self.now >= self.free_at

    def take_share(self, seconds: float) -> bool:
        return self.share > 0


def _pace(turn: Waiting, progress: Callable[[], None] = lambda: None) -> Pace:
    return Pace(Throttle(0, lambda seconds: None), progress, monotonic=lambda: turn.now)


def _sent(pace: Pace, turn: Waiting) -> list[tuple[float, bytes]]:
    with pace.keeping(turn):
        return [(turn.now, piece) for piece in pace.pieces(CHUNK, lambda: 4_000)]


def test_nothing_is_lost_or_doubled_by_a_pause() -> None:
    turn = Waiting(free_at=50.0)
    pace = _pace(turn)
    sent = _sent(pace, turn)
    assert b"".join(piece for _, piece in sent) == CHUNK
    assert pace.paused_seconds == pytest.approx(50.0)


def test_a_paused_body_trickles_so_that_no_server_takes_it_for_dead() -> None:
    turn = Waiting(free_at=50.0)
    sent = _sent(_pace(turn), turn)
    during = [(at, piece) for at, piece in sent if at < 50.0]
    assert [at for at, _ in during] == pytest.approx([TRICKLE_SECONDS * count for count in range(1, 7)], abs=1.0)
    assert {len(piece) for _, piece in during} == {TRICKLE_BYTES}


def test_a_body_takes_its_share_of_a_pause() -> None:
    turn = Waiting(free_at=1e9, share=1.0)
    sent = _sent(_pace(turn), turn)
    assert b"".join(piece for _, piece in sent) == CHUNK
    assert sent[-1][0] < 2.0


def test_a_server_that_drops_a_pause_is_given_shorter_ones() -> None:
    turn = Waiting(free_at=1e9)
    pace = _pace(turn)
    gaps = []
    with pace.keeping(turn):
        for _ in range(6):
            before = turn.now
            next(pace.pieces(CHUNK, lambda: 4_000))
            gaps.append(turn.now - before)
            assert pace.dropped_a_pause()
    assert gaps == pytest.approx([8.0, 4.0, 2.0, 1.0, 1.0, 1.0], abs=0.6)


def test_a_connection_that_breaks_without_a_pause_teaches_nothing() -> None:
    turn = Waiting(free_at=0.0)
    pace = _pace(turn)
    _sent(pace, turn)
    assert not pace.dropped_a_pause()


def test_a_pause_gives_signs_of_life_and_ends_when_the_box_stops() -> None:
    turn = Waiting(free_at=1e9)

    def progress() -> None:
        if turn.now > 5.0:
            raise LeapfrogError

    with pytest.raises(LeapfrogError):
        _sent(_pace(turn, progress), turn)
    assert turn.now < 7.0
