"""Measured values with their uncertainty, as they are written to JSON."""

import numpy as np

from leapfrog.exam import Frozen


class Bounds(Frozen):
    """A value with its 95 % bootstrap interval over patients."""

    value: float
    low: float
    high: float

    def rounded(self) -> list[float]:
        """Low and high, rounded as in `model.toml`."""
        return [rounded(self.low), rounded(self.high)]


class Portion(Frozen):
    """The share of `hits` among `of`, with Wilson's 95 % interval, which is right even for few records, 0 or all."""

    hits: int
    of: int
    value: float
    low: float
    high: float


def rounded(value: float | np.floating) -> float:
    """The value, rounded as in `model.toml`."""
    return round(float(value), 4)
