"""What is on its way: no more than a slow link carries soon, and as much as a fast or a long one can take."""

import socket
from collections import deque

import pytest

from leapfrog.flight import QUEUED_SECONDS, Flight, TcpState, tcp_state
from leapfrog.outbox.destinations.dicomweb.connection import SOCKET_OPTIONS


class SimulatedLink:
    """A link of so many bytes per second and so long a round trip, by a clock of its own."""

    def __init__(self, bytes_per_second: float, round_trip_seconds: float) -> None:
        self.rate = bytes_per_second
        self.round_trip = round_trip_seconds
        self.now = 0.0
        self.handed_over = 0
        self.acknowledged = 0
        self.free_at = 0.0
        self.longest_queue_seconds = 0.0
        self._arrivals: deque[tuple[float, int]] = deque()

    def hand_over(self, byte_count: int) -> None:
        self.free_at = max(self.free_at, self.now) + byte_count / self.rate
        self.longest_queue_seconds = max(self.longest_queue_seconds, self.free_at - self.now)
        self.handed_over += byte_count
        self._arrivals.append((self.free_at + self.round_trip, self.handed_over))

    def look(self, connected: socket.socket) -> TcpState:
        while self._arrivals and self._arrivals[0][0] <= self.now:
            self.acknowledged = self._arrivals.popleft()[1]
        queue = max(0.0, self.free_at - self.now)
        return TcpState(
            True, self.round_trip + queue, self.round_trip, self.acknowledged, self.handed_over - self.acknowledged
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _send(link: SimulatedLink, seconds: float) -> float:
    """Send for so long. Returns the share of what the link could have carried in the second half of the time."""
    flight = Flight(socket.socket(), link.look, lambda: link.now, link.sleep)
    half = None
    while link.now < seconds:
        flight.make_room(40.0)
        link.hand_over(flight.piece_bytes)
        link.now += 1e-5
        if half is None and link.now >= seconds / 2:
            half = link.acknowledged
    link.look(socket.socket())
    return (link.acknowledged - (half or 0)) / (seconds / 2 * link.rate)


@pytest.mark.parametrize("bytes_per_second", [1_000, 8_000, 32_000, 250_000])
@pytest.mark.parametrize("round_trip", [0.02, 0.2, 0.6])
def test_a_slow_link_is_kept_busy_and_no_queue_grows(bytes_per_second: int, round_trip: float) -> None:
    link = SimulatedLink(bytes_per_second, round_trip)
    carried = _send(link, 60.0)
    assert carried > 0.85
    # On the slowest, three segments alone are seconds.
    assert link.longest_queue_seconds < max(3 * QUEUED_SECONDS, 7_000 / bytes_per_second)


@pytest.mark.parametrize(("bytes_per_second", "round_trip"), [(1_250_000, 0.6), (12_500_000, 0.05), (1_250_000, 1.2)])
def test_a_fast_and_long_link_is_not_held_back(bytes_per_second: int, round_trip: float) -> None:
    assert _send(SimulatedLink(bytes_per_second, round_trip), 60.0) > 0.85


def test_a_link_that_carries_nothing_is_noticed() -> None:
    link = SimulatedLink(1e-9, 0.1)
    flight = Flight(socket.socket(), link.look, lambda: link.now, link.sleep)
    flight.make_room(40.0)
    link.hand_over(10_000)
    with pytest.raises(TimeoutError):
        flight.make_room(40.0)
    assert 40.0 <= link.now < 41.0


def test_the_kernel_says_what_is_on_its_way() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        for option in SOCKET_OPTIONS:
            ours.setsockopt(*option)
        theirs, _ = server.accept()
        with theirs:
            ours.sendall(bytes(5_000))
            theirs.recv(5_000, socket.MSG_WAITALL)
            state = tcp_state(ours)
            assert state.is_open
            assert 0 < state.round_trip_seconds < 1.0
            assert state.acknowledged - 1 + state.unacknowledged in (4_999, 5_000, 5_001)
        ours.sendall(b"x")
        while tcp_state(ours).is_open:
            pass
