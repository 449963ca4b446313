"""How much of a body is on its way at a time: as little as keeps the link busy.

What was handed to the kernel cannot be held back any more, and what stands in the queue of a modem stands before
whatever comes after it. On a link of 64 kbit/s the kernel's own buffers would be minutes, and a result that comes now
would wait for them on any connection. So no more is handed over than the link carries in its shortest round trip and
QUEUED_SECONDS more. That grows with what is acknowledged, so that a fast or a long link is not held back: on each round
trip it may grow by the factor 1 + QUEUED_SECONDS / round trip.
"""

import fcntl
import math
import socket
import struct
import termios
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

# How long what stands in queues on the way may hold up what comes after it.
QUEUED_SECONDS = 0.4
# Three segments: with fewer, an acknowledgement that is delayed leaves the link idle.
LEAST_BYTES = 4_344
SMALLEST_PIECE_BYTES, LARGEST_PIECE_BYTES = 1_448, 16_384
PIECES_ON_THEIR_WAY = 4
MOST_AT_ONCE_BYTES = LARGEST_PIECE_BYTES * PIECES_ON_THEIR_WAY
# The best of so many measurements counts.
MEASUREMENTS = 4
SHORTEST_MEASUREMENT_SECONDS = 0.05
SHORTEST_NAP_SECONDS, LONGEST_NAP_SECONDS = 0.001, 0.1

# struct tcp_info of Linux (include/uapi/linux/tcp.h), whose members never move: state, smoothed and shortest round trip
# in microseconds, and how many bytes were acknowledged.
TCP_INFO = struct.Struct("=B 67x I 48x Q 20x I")
ESTABLISHED, CLOSE_WAIT = 1, 8


@dataclass(frozen=True)
class TcpState:
    """What the kernel knows of a connection. `unacknowledged` are the bytes that it was handed, sent or not."""

    is_open: bool
    round_trip_seconds: float
    shortest_round_trip_seconds: float
    acknowledged: int
    unacknowledged: int


def tcp_state(connected: socket.socket) -> TcpState:
    """The state of a TCP connection now. Raises OSError when it was closed here."""
    information = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO.size)
    state, round_trip, acknowledged, shortest_round_trip = TCP_INFO.unpack(information.ljust(TCP_INFO.size, b"\0"))
    (unacknowledged,) = struct.unpack("i", fcntl.ioctl(connected, termios.TIOCOUTQ, bytes(4)))
    return TcpState(
        is_open=state in (ESTABLISHED, CLOSE_WAIT),
        round_trip_seconds=round_trip / 1e6,
        shortest_round_trip_seconds=shortest_round_trip / 1e6,
        acknowledged=acknowledged,
        unacknowledged=unacknowledged,
    )


class Flight:
    """What is on its way over one connection. For one thread."""

    def __init__(
        self,
        connected: socket.socket,
        look: Callable[[socket.socket], TcpState] = tcp_state,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is known of the link yet. Only tests give other ways to look at a connection and to sleep."""
        self._socket = connected
        self._look = look
        self._monotonic = monotonic
        self._sleep = sleep
        self._rates: deque[float] = deque(maxlen=MEASUREMENTS)  # bytes per second
        self._begun: tuple[float, int] | None = None  # when a measurement began, and what was acknowledged then
        self._acknowledged = 0
        self._full_at = -math.inf  # when it was last handed something
        self._most_bytes = LEAST_BYTES  # on their way

    @property
    def piece_bytes(self) -> int:
        """How much to hand over at a time: a part of what may be on its way."""
        return max(SMALLEST_PIECE_BYTES, min(LARGEST_PIECE_BYTES, self._most_bytes // PIECES_ON_THEIR_WAY))

    def make_room(self, most_seconds: float) -> None:
        """Wait until the link has carried so much that it can be handed more. Returns as well when the connection has
        ended: who sends meets that.

        Raises TimeoutError when nothing at all is acknowledged for `most_seconds`.
        """
        state = self._look(self._socket)
        acknowledged, moved_at = state.acknowledged, self._monotonic()
        if state.unacknowledged == 0:
            self._begun = None  # the link was idle: how much it carried says nothing of it
            if moved_at - self._full_at < SHORTEST_MEASUREMENT_SECONDS:  # except that it carries that at once
                self._most_bytes = max(self._most_bytes, min(2 * self._most_bytes, MOST_AT_ONCE_BYTES))
        while True:
            now = self._monotonic()
            self._measure(state, now)
            excess = state.unacknowledged - self._most_bytes
            if not state.is_open or excess <= 0:
                self._full_at = now
                return
            if state.acknowledged > acknowledged:
                acknowledged, moved_at = state.acknowledged, now
            elif now - moved_at > most_seconds:
                raise TimeoutError("The link carries nothing.")
            rate = max(self._rates, default=0.0)
            nap = excess / rate if rate else SHORTEST_NAP_SECONDS * 5
            self._sleep(min(max(nap, SHORTEST_NAP_SECONDS), LONGEST_NAP_SECONDS))
            state = self._look(self._socket)

    def _measure(self, state: TcpState, now: float) -> None:
        """What was acknowledged in a round trip, while there was always something on its way: from one acknowledgement
        to another, since they come in bursts.
        """
        if state.acknowledged == self._acknowledged:
            return
        self._acknowledged = state.acknowledged
        if self._begun is None:
            self._begun = (now, state.acknowledged)
            return
        begun_at, before = self._begun
        if now - begun_at < max(SHORTEST_MEASUREMENT_SECONDS, state.round_trip_seconds):
            return
        self._rates.append((state.acknowledged - before) / (now - begun_at))
        self._begun = (now, state.acknowledged)
        round_trip = state.shortest_round_trip_seconds
        self._most_bytes = max(LEAST_BYTES, round(max(self._rates) * (round_trip + QUEUED_SECONDS)))
