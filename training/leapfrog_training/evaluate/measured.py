"""Measured values, as they are written to `evaluation.json` and used for the card and the package."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from leapfrog_training.files import KeptAsJson


class Measured(KeptAsJson):
    """A set of measured values."""


class Evaluation(Measured, ABC):
    """All measurements of a run, as kept in `evaluation.json`."""

    @abstractmethod
    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package."""


class Bounds(Measured):
    """A value with its 95 % bootstrap interval over patients."""

    value: float
    low: float
    high: float

    def rounded(self) -> list[float]:
        """Low and high, rounded as in `model.toml`."""
        return [rounded(self.low), rounded(self.high)]


class Portion(Measured):
    """The share of `hits` among `of`, with Wilson's 95 % interval, which is right even for few records, 0 or all."""

    hits: int
    of: int
    value: float
    low: float
    high: float


def rounded(value: float | np.floating) -> float:
    """The value, rounded as in `model.toml`."""
    return round(float(value), 4)
