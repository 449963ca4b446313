"""How long to wait after failures: doubling, with a cap and jitter."""

import random
from dataclasses import dataclass

# Boxes whose power or link comes back at the same time must not all call the server in the same second.
JITTER = 0.25


@dataclass(frozen=True)
class Backoff:
    """The wait after the first failure, which doubles with each further failure up to a cap."""

    first_seconds: float
    cap_seconds: float

    def seconds(self, failures: int) -> float:
        """The wait after `failures` failures in a row, shortened at random by up to a quarter."""
        doublings = min(failures - 1, 32)
        return min(self.cap_seconds, self.first_seconds * 2.0**doublings) * (1.0 - JITTER * random.random())
