"""Measures of how well a model does, with their uncertainty. Runs on the training machine only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
INTERVAL = (2.5, 97.5)  # percentiles: a 95 % interval


@dataclass(frozen=True)
class Interval:
    """A measured value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold does: the shares of the positives and of the negatives that are told rightly."""

    sensitivity: float
    specificity: float


def auroc(positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """The chance that a positive scores above a negative, ties half; nan when either kind is missing."""
    higher, lower = scores[positive], np.sort(scores[~positive])
    if len(higher) == 0 or len(lower) == 0:
        return float("nan")
    below = np.searchsorted(lower, higher, side="left") + np.searchsorted(lower, higher, side="right")
    return float(below.mean() / (2 * len(lower)))


def operating_point(positive: NDArray[np.bool_], flagged: NDArray[np.bool_]) -> OperatingPoint:
    """Sensitivity and specificity of what was flagged."""
    return OperatingPoint(float(flagged[positive].mean()), float((~flagged[~positive]).mean()))


def dice(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Twice the overlap over the sum of both areas; 1 when both are empty."""
    total = int(mask.sum()) + int(truth.sum())
    return 2.0 * int((mask & truth).sum()) / total if total else 1.0


def bootstrap(patients: Sequence[str], measure: Callable[[NDArray[np.intp]], float], seed: int = 0) -> Interval:
    """`measure` of all records with its interval over patients drawn with replacement.

    `measure` gets positions of records. Patients are drawn, not records: films of one patient resemble each other.
    Draws for which it is nan (no positive drawn) are left out.
    """
    names, owner = np.unique(np.asarray(patients), return_inverse=True)
    records = [np.flatnonzero(owner == index) for index in range(len(names))]
    random = np.random.default_rng(seed)
    values = [
        measure(np.concatenate([records[index] for index in random.integers(len(names), size=len(names))]))
        for _ in range(RESAMPLES)
    ]
    low, high = np.nanpercentile(values, INTERVAL)
    return Interval(measure(np.arange(len(patients))), float(low), float(high))
