"""A real modality, DCMTK's storescu, that stores films at an address of its own and measures how long that takes."""

import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from attacks.network import BOX, Network
from faults.films import Film, Films
from support.dcmtk import dcmtk_program

GIVE_UP_SECONDS = 30
PAUSE_SECONDS = 0.2  # between two films


@dataclass
class Times:
    """How long each film took from the start of the program to its end, and how many were not stored."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def median(self) -> float:
        """Half of the films were quicker."""
        return statistics.median(self.seconds) if self.seconds else float("inf")

    @property
    def worst(self) -> float:
        """No film took longer."""
        return max(self.seconds, default=float("inf"))

    def __str__(self) -> str:
        failed = f", {self.failed} FAILED" if self.failed else ""
        return f"{1000 * self.median:.0f} ({1000 * self.worst:.0f}) of {len(self.seconds)}{failed}"


class Modality:
    """Stores one film after the other, each over an association of its own."""

    def __init__(self, network: Network, films: Films, port: int, options: Sequence[str]) -> None:
        """`options` are storescu's, such as those for TLS."""
        self._network = network
        self._films = films
        self._port = port
        self._options = options
        self.acknowledged: list[str] = []

    def store(self, *, seconds: float, least: int) -> Times:
        """Store films for so many seconds, and `least` films."""
        times = Times()
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(times.seconds) + times.failed < least:
            (film,) = self._films.new()
            began = time.monotonic()
            if self._is_stored(film):
                times.seconds.append(time.monotonic() - began)
            else:
                times.failed += 1
            film.path.unlink()
            time.sleep(PAUSE_SECONDS)
        return times

    def _is_stored(self, film: Film) -> bool:
        limits = ["-to", str(GIVE_UP_SECONDS), "-ta", str(GIVE_UP_SECONDS), "-td", str(GIVE_UP_SECONDS)]
        command = [
            dcmtk_program("storescu"), *limits, "-aec", "LEAPFROG", "-aet", "MODALITY", *self._options, BOX,
            str(self._port), str(film.path),
        ]  # fmt: skip
        done = subprocess.run(self._network.within(self._network.modality, command), capture_output=True, check=False)
        if done.returncode == 0:
            self.acknowledged.append(film.sop_instance_uid)
        return done.returncode == 0
