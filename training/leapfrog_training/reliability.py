"""Whether a score of 30 % comes true three times in ten. Runs on the training machine only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GROUPS = 5  # of equally many films: with a few dozen positives more would be noise


@dataclass(frozen=True)
class ReliabilityGroup:
    """Films of similar score: their mean score, and the share of them that carries the finding."""

    mean_score: float
    share_positive: float
    films: int


@dataclass(frozen=True)
class Reliability:
    """The groups; the expected calibration error over them; the Brier score, 0 to 1, lower is better."""

    groups: tuple[ReliabilityGroup, ...]
    calibration_error: float
    brier: float


def reliability(positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> Reliability:
    """Compare calibrated scores (films,) with what was there, in groups of equally many films."""
    order = np.argsort(scores, kind="stable")
    groups = tuple(
        ReliabilityGroup(float(scores[part].mean()), float(positive[part].mean()), len(part))
        for part in np.array_split(order, min(GROUPS, len(order)))
    )
    error = sum(abs(group.mean_score - group.share_positive) * group.films for group in groups) / len(order)
    return Reliability(groups, float(error), float(np.mean((scores - positive) ** 2)))
