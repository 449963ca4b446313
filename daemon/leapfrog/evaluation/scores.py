"""Measures of how well a model does, with their uncertainty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leapfrog.evaluation.measured import Bounds, Portion

RESAMPLES = 1000
INTERVAL = (2.5, 97.5)  # percentiles: a 95 % interval
NORMAL_95 = 1.959964  # standard deviations of a normal distribution that hold 95 % of it
DRAWS_AT_ONCE = 100  # an AUROC of 25,000 films and 1,000 draws needs less than 100 MB
CALIBRATION_BINS = 10

Truth = NDArray[np.bool_]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class OperatingPoint:
    """The effect of a threshold: the shares of positives and of negatives that are classified correctly; None if there
    are none.
    """

    sensitivity: Portion | None
    specificity: Portion | None


@dataclass(frozen=True)
class CalibrationBin:
    """A group of similar scores: their mean, and the share (with counts) that was really positive."""

    mean_score: float
    positives: Portion


@dataclass(frozen=True)
class Resamples:
    """A bootstrap over patients, drawn once and used for every measure, so that differences are paired.

    `counts` (1 + draws, records) says how often each record counts: once in row 0; in the other rows as often as its
    patient was drawn, with replacement. Patients are drawn, not records, since films of one patient are alike.
    """

    counts: NDArray[np.float32]

    def among(self, chosen: Truth) -> "Resamples":
        """The same draws with only the records that are `chosen` (records,)."""
        return Resamples(self.counts * chosen.astype(np.float32))

    def mean(self, values: Values) -> Values:
        """The mean of `values` (records,) in each row, without those that are nan."""
        known = ~np.isnan(values)
        total = self.counts @ known.astype(np.float64)
        with np.errstate(invalid="ignore"):
            return np.asarray(self.counts @ np.where(known, values, 0.0) / total)

    def auroc(self, positive: Truth, scores: Values) -> Values:
        """`auroc` in each row; ties count half. nan if there are no positives or no negatives."""
        won, pairs = self._pairs(positive, scores)
        with np.errstate(invalid="ignore"):
            return np.asarray(won / pairs)

    def matched_auroc(self, positive: Truth, scores: Values, groups: Sequence[Truth]) -> Values:
        """AUROC over pairs of a positive and a negative of the same one of `groups` (each (records,)), in each row.
        nan if there is no such pair.
        """
        won = pairs = np.zeros(len(self.counts))
        for group in groups:
            won_of_group, pairs_of_group = self.among(group)._pairs(positive, scores)
            won, pairs = won + won_of_group, pairs + pairs_of_group
        with np.errstate(invalid="ignore"):
            return np.asarray(won / pairs)

    def _pairs(self, positive: Truth, scores: Values) -> tuple[Values, Values]:
        """In how many pairs of a positive and a negative the positive has the higher score, and how many there are."""
        order = np.argsort(scores, kind="stable")
        ends = np.flatnonzero(np.diff(scores[order], append=np.inf))  # of each run of equal scores
        starts = np.concatenate([[0], ends[:-1] + 1])
        won, pairs = [], []
        for first in range(0, len(self.counts), DRAWS_AT_ONCE):
            counts = self.counts[first : first + DRAWS_AT_ONCE, order].astype(np.float64)
            positives = np.add.reduceat(counts * positive[order], starts, axis=1)
            negatives = np.add.reduceat(counts * ~positive[order], starts, axis=1)
            below = np.cumsum(negatives, axis=1) - negatives / 2
            won.append((positives * below).sum(axis=1))
            pairs.append(positives.sum(axis=1) * negatives.sum(axis=1))
        return np.concatenate(won), np.concatenate(pairs)


def resample(patients: Sequence[str], seed: int = 0) -> Resamples:
    """Draw the patients of the records RESAMPLES times."""
    names, owner = np.unique(np.asarray(patients), return_inverse=True)
    random = np.random.default_rng(seed)
    counts = np.ones((1 + RESAMPLES, len(owner)), np.float32)
    for row in range(1, 1 + RESAMPLES):
        counts[row] = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))[owner]
    return Resamples(counts)


def bounds(values: Values) -> Bounds | None:
    """The value for all records (row 0), with the percentiles over the draws of `Resamples`; None if it is undefined.
    Draws that are nan are left out.
    """
    drawn = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or len(drawn) == 0:
        return None
    low, high = np.percentile(drawn, INTERVAL)
    return Bounds(value=float(values[0]), low=float(low), high=float(high))


def portion(chosen: Truth) -> Portion | None:
    """The share of the records that are `chosen` (records,); None if there are no records."""
    return _wilson(chosen) if len(chosen) else None


def _wilson(chosen: Truth) -> Portion:
    """The share with the interval of Wilson (1927)."""
    hits, of, squared = int(chosen.sum()), len(chosen), NORMAL_95**2
    value = hits / of
    middle = (value + squared / (2 * of)) / (1 + squared / of)
    reach = NORMAL_95 * math.sqrt(value * (1 - value) / of + squared / (4 * of**2)) / (1 + squared / of)
    return Portion(hits=hits, of=of, value=value, low=max(0.0, middle - reach), high=min(1.0, middle + reach))


def auroc(positive: Truth, scores: NDArray[np.floating]) -> float:
    """The probability that a positive scores above a negative; ties count half. nan if there are none of either."""
    return float(Resamples(np.ones((1, len(scores)), np.float32)).auroc(positive, scores.astype(np.float64))[0])


def operating_point(positive: Truth, flagged: Truth) -> OperatingPoint:
    """Sensitivity and specificity of what was flagged."""
    return OperatingPoint(portion(flagged[positive]), portion(~flagged[~positive]))


def roc(positive: Truth, scores: Values) -> tuple[Values, Values]:
    """The curve of false alarms (1 - specificity) and sensitivity over every threshold, from (0, 0) to (1, 1)."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    hits, alarms = np.cumsum(positive[order])[ends], np.cumsum(~positive[order])[ends]
    return np.concatenate([[0.0], alarms / alarms[-1]]), np.concatenate([[0.0], hits / hits[-1]])


def brier(positive: Truth, scores: Values) -> float:
    """The mean squared difference between the score and the truth, 1 or 0 (Brier 1950): 0 is perfect."""
    return float(np.mean((scores - positive) ** 2))


def calibration_bins(positive: Truth, scores: Values) -> tuple[CalibrationBin, ...]:
    """The reliability curve: the records, sorted by score, in CALIBRATION_BINS groups of equal size."""
    groups = np.array_split(np.argsort(scores, kind="stable"), min(CALIBRATION_BINS, len(scores)))
    return tuple(CalibrationBin(float(scores[group].mean()), _wilson(positive[group])) for group in groups)


def calibration_error(positive: Truth, scores: Values) -> float:
    """The expected calibration error: the difference between score and share in a bin, on average over the records.

    Bins have equal numbers of records (Nixon et al., CVPR workshops 2019), since most scores are low. With few films it
    is never 0: the share among 16 films is off by a tenth by chance alone.
    """
    bins = calibration_bins(positive, scores)
    return sum(one.positives.of * abs(one.mean_score - one.positives.value) for one in bins) / len(scores)
