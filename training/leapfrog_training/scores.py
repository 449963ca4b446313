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


@dataclass(frozen=True)
class Overlaps:
    """Mean Dice of all pictures (both empty counts 1: the metric of Kaggle's nerve challenge), of those where something
    is drawn, and the share of the empty ones in which nothing was found; nan where there are none.
    """

    kaggle: float
    not_empty: float
    empty_left_empty: float


def overlaps(masks: Sequence[NDArray[np.bool_]], truths: Sequence[NDArray[np.bool_]]) -> Overlaps:
    """Compare masks with what was drawn. On a set that is mostly empty, finding nothing anywhere scores well on the
    Kaggle metric (about .51 there) and 0 where something is drawn: always state both.
    """
    values = np.array([dice(mask, truth) for mask, truth in zip(masks, truths, strict=True)])
    return overlaps_of(values, np.array([bool(truth.any()) for truth in truths]))


def overlaps_of(values: NDArray[np.floating], drawn: NDArray[np.bool_]) -> Overlaps:
    """The same from each picture's Dice and whether something is drawn in it."""
    nothing = float("nan")
    return Overlaps(
        kaggle=float(values.mean()) if len(values) else nothing,
        not_empty=float(values[drawn].mean()) if drawn.any() else nothing,
        empty_left_empty=float((values[~drawn] == 1).mean()) if (~drawn).any() else nothing,
    )


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
