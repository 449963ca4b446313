"""Machines that disturb the box: broken, infected, or looking for open ports. Each shows in `leapfrog status`, in one
line with its address, for whoever looks after the network; staff who read exams are not told.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from leapfrog.problem import Problem, Problems

FORGOTTEN_SECONDS = 24 * 3600.0  # a machine that has been quiet for so long is no problem any more
MOST_MACHINES = 20  # in `leapfrog status`: the newest count
MOST_ADDRESSES = 1000  # whose deeds are counted
FLOOD_SECONDS = 60.0  # a machine that is slower for so long floods no more
COUNTED_SECONDS = 600.0
SEVERAL = 3  # a person who opens the box's port in a web browser disturbs nobody

REMEDY = (
    "Other machines are served meanwhile. Find the machine with this address: it may be faulty, infected, or be looking"
    " for open ports. If it has no business here, block it in the network."
)
SHARED_ADDRESS = (
    "Other machines are served meanwhile. If several machines send through this one address (NAT), raise"
    " dicom.max_associations in the settings file and restart Leapfrog. Otherwise find the machine: it may be faulty or"
    " infected."
)


class Disturbance(Enum):
    """What a machine did, as a part of a sentence, and how often within ten minutes that is before it counts."""

    SILENT = ("opens connections and asks for nothing", SEVERAL)
    UNFINISHED = ("begins requests or TLS handshakes and does not finish them", SEVERAL)
    NOT_DICOM = ("sends something that is not DICOM", SEVERAL)
    BROKEN = ("breaks the DICOM protocol", SEVERAL)
    CROWD = ("opens more connections at once than any modality does", 1)
    FLOOD = ("opens connections faster than any modality does", 1)
    SHARE = ("wants more associations at once than one machine may have", 1)
    IDLE = ("holds associations that others need and sends nothing", SEVERAL)
    UNUSED = ("opens associations without end and does not use them", 100)
    USELESS = ("sends messages without end that bring no images", 1)

    def __init__(self, words: str, counts_from: int) -> None:
        """`words` follow "it"; from `counts_from` times on a person is told."""
        self.words = words
        self.counts_from = counts_from


@dataclass
class _Deeds:
    """What one machine did how often since when, what of that a person is told, and when it did something last; by
    time.monotonic().
    """

    counts: dict[Disturbance, tuple[int, float]] = field(default_factory=dict)
    shown: dict[Disturbance, None] = field(default_factory=dict)
    last: float = 0.0
    flooded: float = -math.inf  # when last it opened connections too fast

    def add(self, kind: Disturbance, now: float) -> None:
        count, since = self.counts.get(kind, (0, now))
        count, since = (count, since) if now - since <= COUNTED_SECONDS else (0, now)
        self.counts[kind] = count + 1, since
        self.last = now
        if count + 1 >= kind.counts_from:
            self.shown[kind] = None
        if kind is Disturbance.FLOOD:
            self.flooded = now


class Disturbances:
    """The machines that disturbed the box within a day. Any thread may call it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody has disturbed it yet."""
        self._clock = clock
        self._problems = Problems()
        self._lock = threading.Lock()
        self._deeds: dict[str, _Deeds] = {}  # by address, who did something last is last

    def note(self, address: str, kind: Disturbance) -> None:
        """The machine at `address` did something of that `kind`."""
        with self._lock:
            deeds = self._deeds.pop(address, None) or _Deeds()
            self._deeds[address] = deeds
            deeds.add(kind, self._clock())
            while len(self._deeds) > MOST_ADDRESSES:
                self._deeds.pop(next(iter(self._deeds)))
            shown = list(deeds.shown)
        if shown:
            self._show(address, shown)

    def disturbs(self, address: str) -> bool:
        """Whether the machine at `address` disturbs the box."""
        with self._lock:
            deeds = self._deeds.get(address)
            return deeds is not None and bool(deeds.shown)

    def floods(self, address: str) -> bool:
        """Whether the machine at `address` has opened connections too fast within the last minute."""
        with self._lock:
            deeds = self._deeds.get(address)
            return deeds is not None and self._clock() - deeds.flooded < FLOOD_SECONDS

    def problems(self) -> tuple[Problem, ...]:
        """One for each of the machines that did something last."""
        oldest = self._clock() - FORGOTTEN_SECONDS
        with self._lock:
            self._deeds = {address: deeds for address, deeds in self._deeds.items() if deeds.last >= oldest}
            shown = [address for address, deeds in self._deeds.items() if deeds.shown]
        self._problems.keep(shown[-MOST_MACHINES:])
        return self._problems.current()

    def _show(self, address: str, shown: list[Disturbance]) -> None:
        remedy = SHARED_ADDRESS if shown == [Disturbance.SHARE] else REMEDY
        deeds = "; it ".join(kind.words for kind in shown)
        self._problems.add(
            address, f"The machine at {address} disturbs the box: it {deeds}.", remedy, in_worklist=False
        )
