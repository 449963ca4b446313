"""How many connections may be open, how fast one address may open more, and which is cut when there are too many."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from leapfrog.intake.receiver.disturbances import Disturbance, Disturbances

# Connections that have no association yet, or none any more. They take no place from those that have one, and beyond
# these numbers the oldest is cut: a modality asks for its association at once.
MOST_WITHOUT_ASSOCIATION = 64
MOST_OF_ONE_ADDRESS = 16
# A modality that opens an association for each image needs a few a second. Beyond that, connections are closed at once.
CONNECTIONS_PER_SECOND = 50.0
CONNECTIONS_AT_ONCE = 100.0
CUTTING_COST = 5.0  # what a connection counts for which another has to be cut
# What a connection may cost, of the one processor that all share, beside the images that it brings; one that costs more
# counts for several. A request with 128 presentation contexts costs 3 ms.
PAID_SECONDS = 0.004
FLOODING_SHARE = 0.04  # of both, for an address that was too fast within the last minute
MOST_ADDRESSES = 1000  # whose pace is known
ENDING = 64  # threads of connections that were cut and are just ending


class Peer(Protocol):
    """An open connection, with or without an association."""

    address: str
    established: bool

    def cut(self) -> None:
        """End it."""


@dataclass
class _Pace:
    """How many connections an address may still open at once, by the time of the last."""

    left: float
    looked: float


class Connections:
    """All that are open. Any thread may call it."""

    def __init__(
        self, most_associations: int, disturbances: Disturbances, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """None is open."""
        self._most = most_associations + MOST_WITHOUT_ASSOCIATION + ENDING
        self._disturbances = disturbances
        self._clock = clock
        self._room = threading.Condition()
        self._peers: dict[Peer, bool] = {}  # oldest first; whether it was cut
        self._paces: dict[str, _Pace] = {}  # who connected last is last

    def too_fast(self, address: str) -> bool:
        """Note that `address` connects. Returns whether it does so faster than any modality."""
        now = self._clock()
        share = FLOODING_SHARE if self._disturbances.floods(address) else 1.0
        most, per_second = CONNECTIONS_AT_ONCE * share, CONNECTIONS_PER_SECOND * share
        with self._room:
            pace = self._paces.pop(address, None) or _Pace(CONNECTIONS_AT_ONCE, now)
            left = min(most, pace.left + (now - pace.looked) * per_second)
            # Below 0 is what connections cost that were let in: it is not forgiven to one that only tries again.
            self._paces[address] = _Pace(max(min(left, 0.0), left - self._cost(address)), now)
            while len(self._paces) > MOST_ADDRESSES:
                self._paces.pop(next(iter(self._paces)))
        if left < 1:
            self._disturbances.note(address, Disturbance.FLOOD)
        return left < 1

    def was_costly(self, address: str, seconds: float) -> None:
        """A connection of `address` cost `seconds` of a processor beyond what its images are worth."""
        with self._room:
            if pace := self._paces.get(address):
                pace.left = max(-CONNECTIONS_AT_ONCE, pace.left - max(0.0, seconds / PAID_SECONDS - 1))

    def _cost(self, address: str) -> float:
        with self._room:
            waiting = self._waiting()
        own = sum(peer.address == address for peer in waiting)
        return CUTTING_COST if own >= MOST_OF_ONE_ADDRESS or len(waiting) >= MOST_WITHOUT_ASSOCIATION else 1.0

    def wait_for_room(self, seconds: float) -> bool:
        """Wait until there may be one more. Returns whether there may."""
        with self._room:
            return self._room.wait_for(lambda: len(self._peers) < self._most, seconds)

    def add(self, peer: Peer) -> None:
        """Count one more, and cut another that has no association, if these are too many now."""
        with self._room:
            self._peers[peer] = False
            waiting = self._waiting()
            own = [other for other in waiting if other.address == peer.address]
            crowd = own if len(own) > MOST_OF_ONE_ADDRESS else []
            if not crowd and len(waiting) > MOST_WITHOUT_ASSOCIATION:
                crowd = _largest_crowd(waiting)
            if crowd:
                self._cut(crowd[0])
        if crowd:
            kind = Disturbance.CROWD if len(crowd) > MOST_OF_ONE_ADDRESS else Disturbance.SILENT
            self._disturbances.note(crowd[0].address, kind)

    def cut_oldest(self, seconds: float) -> bool:
        """Cut the one that has had no association for longest, because there are no resources for more, and wait until
        it has ended. Returns whether one has.
        """
        with self._room:
            open_now = len(self._peers)
            if waiting := self._waiting():
                self._cut(waiting[0])
            return self._room.wait_for(lambda: len(self._peers) < open_now, seconds)

    def remove(self, peer: Peer) -> None:
        """It has ended."""
        with self._room:
            del self._peers[peer]
            self._room.notify_all()

    def was_cut(self, peer: Peer) -> bool:
        """Whether it had to go because there were too many."""
        with self._room:
            return self._peers[peer]

    def _waiting(self) -> list[Peer]:
        return [peer for peer, was_cut in self._peers.items() if not was_cut and not peer.established]

    def _cut(self, peer: Peer) -> None:
        self._peers[peer] = True
        peer.cut()


def _largest_crowd(waiting: list[Peer]) -> list[Peer]:
    """Those of the address that has most; of several, the one that has waited longest."""
    counts = Counter(peer.address for peer in waiting)
    address = max(counts, key=lambda address: counts[address])  # the first of equals
    return [peer for peer in waiting if peer.address == address]
