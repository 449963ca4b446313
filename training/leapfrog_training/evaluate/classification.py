"""Measures how good a classifier's scores are, for any findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from leapfrog.evaluation.measured import Bounds, Portion
from leapfrog.evaluation.scores import Resamples, bounds, brier, calibration_error, operating_point
from leapfrog.reader.assess.classification import Classification
from leapfrog_training.evaluate.measured import Measured

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Readings:
    """What a kiosk reports for films, each (films, findings): the scores, which are at or above the threshold, and
    which are urgent; 0 and False for a finding that is not looked for in the film's view. `is_ap` (films,) are those
    that it took for AP films, if the package tells views.
    """

    scores: Scores
    flagged: Labels
    urgent: Labels
    is_ap: Labels | None = None

    @property
    def any_flag(self) -> Labels:
        """The films (films,) with any flag."""
        return np.asarray(self.flagged.any(axis=1))

    @property
    def any_urgent(self) -> Labels:
        """The films (films,) with anything urgent."""
        return np.asarray(self.urgent.any(axis=1))

    @classmethod
    def of(cls, names: Sequence[str], read: Sequence[Classification]) -> Self:
        """The readings of films in their order, with the findings called `names` in theirs."""
        views = [one.view for one in read]
        by_name = [{finding.name: finding for finding in one.findings} for one in read]
        found = [[one.get(name) for name in names] for one in by_name]
        return cls(
            np.array([[0.0 if one is None else one.score for one in film] for film in found]),
            np.array([[one is not None and one.flagged for one in film] for film in found]),
            np.array([[one is not None and one.urgent for one in film] for film in found]),
            None if None in views else np.array([view == "AP" for view in views]),
        )

    def followed_by(self, others: "Readings") -> "Readings":
        """These films' readings and then those of `others`."""
        return Readings(
            np.concatenate([self.scores, others.scores]),
            np.concatenate([self.flagged, others.flagged]),
            np.concatenate([self.urgent, others.urgent]),
            None if self.is_ap is None or others.is_ap is None else np.concatenate([self.is_ap, others.is_ap]),
        )


class FindingScores(Measured):
    """One finding. `within_abnormal` is the AUROC among films with any label; None if all of them have this one.
    `brier_of_share` is the Brier score of always answering the share of positives.
    """

    label: str
    positives: int
    auroc: Bounds
    within_abnormal: Bounds | None
    sensitivity: Portion
    specificity: Portion
    brier: float
    brier_of_share: float
    calibration_error: float


class ClassifierScores(Measured):
    """All findings; the means are over the findings, `brier` and `calibration_error` over all scores together."""

    mean_auroc: Bounds
    mean_within_abnormal: Bounds | None
    findings: tuple[FindingScores, ...]
    brier: float
    calibration_error: float


def aurocs(draws: Resamples, labels: Labels, scores: Scores) -> Scores:
    """AUROC of each finding in each draw: (draws, findings)."""
    return np.stack([draws.auroc(labels[:, k], scores[:, k]) for k in range(labels.shape[1])], axis=1)


def classifier_scores(
    names: Sequence[str], labels: Labels, abnormal: Labels, read: Readings, draws: Resamples
) -> ClassifierScores:
    """Measure what a kiosk reports against the labels (films, findings). `abnormal` (films,) says which films have any
    label, `draws` are over the films' patients. Raises ValueError for a finding that every film or none has.
    """
    everywhere = aurocs(draws, labels, read.scores)
    within = aurocs(draws.among(abnormal), labels, read.scores)
    known = ~np.isnan(within[0])
    findings = []
    for k, name in enumerate(names):
        positive, scores = labels[:, k], read.scores[:, k]
        point = operating_point(positive, read.flagged[:, k])
        findings.append(
            FindingScores(
                label=name,
                positives=int(positive.sum()),
                auroc=_required(bounds(everywhere[:, k]), name),
                within_abnormal=bounds(within[:, k]),
                sensitivity=_required(point.sensitivity, name),
                specificity=_required(point.specificity, name),
                brier=brier(positive, scores),
                brier_of_share=float(positive.mean() * (1 - positive.mean())),
                calibration_error=calibration_error(positive, scores),
            )
        )
    return ClassifierScores(
        mean_auroc=_required(bounds(everywhere.mean(axis=1)), "every finding"),
        mean_within_abnormal=bounds(within[:, known].mean(axis=1)) if known.any() else None,
        findings=tuple(findings),
        brier=brier(labels.ravel(), read.scores.ravel()),
        calibration_error=calibration_error(labels.ravel(), read.scores.ravel()),
    )


def _required(value: Value | None, name: str) -> Value:
    if value is None:
        raise ValueError(f"{name} cannot be measured: both films with it and films without it are needed")
    return value
