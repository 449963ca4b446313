"""Measured values as they are written to `evaluation.json`, and from there to card and package."""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from leapfrog_training.evaluate.scores import Share, interval


class Measured(BaseModel):
    """A set of measured values."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Bounds(Measured):
    """A value with its 95 % bootstrap interval over patients."""

    value: float
    low: float
    high: float

    def rounded(self) -> list[float]:
        """Low and high as `model.toml` gives them."""
        return [rounded(self.low), rounded(self.high)]


class Portion(Measured):
    """A share of `of` records with Wilson's 95 % interval."""

    hits: int
    of: int
    value: float
    low: float
    high: float


def bounds(values: NDArray[np.float64]) -> Bounds | None:
    """The interval of a measure in every draw of `Resamples`; None where it cannot be told."""
    measured = interval(values)
    if math.isnan(measured.value) or math.isnan(measured.low):
        return None
    return Bounds(value=measured.value, low=measured.low, high=measured.high)


def portion(measured: Share) -> Portion | None:
    """The share; None of nothing."""
    if measured.of == 0:
        return None
    return Portion(hits=measured.hits, of=measured.of, value=measured.value, low=measured.low, high=measured.high)


def rounded(value: float | np.floating) -> float:
    """As `model.toml` gives it."""
    return round(float(value), 4)
