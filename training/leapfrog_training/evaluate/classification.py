"""Measures how good a classifier's scores are, for any findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from leapfrog.packages.manifest import Manifest
from leapfrog.reader.assess.classification import classify
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.measured import Bounds, Measured, Portion
from leapfrog_training.evaluate.scores import Resamples, bounds, brier, calibration_error, operating_point
from leapfrog_training.progress import each

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Answers:
    """A network's outputs for films, as real numbers: uncalibrated scores (films, findings) and heat maps (films, rows,
    columns, findings).
    """

    scores: NDArray[np.float32]
    maps: NDArray[np.float32]


@dataclass(frozen=True)
class Readings:
    """What a kiosk reports for films, both (films, findings): the scores, and which are at or above the threshold."""

    scores: Scores
    flagged: Labels


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


def answers(model: KioskModel, pictures: Sequence[Path]) -> Answers:
    """Show the pictures to the model as the kiosk does."""
    scores, maps = model.output_of_rank(2), model.output_of_rank(4)
    outputs = [model.run(read_gray(path)) for path in each(pictures, "reading films")]
    return Answers(
        np.stack([output[scores][0] for output in outputs]), np.stack([output[maps][0] for output in outputs])
    )


def readings(manifest: Manifest, answered: Answers) -> Readings:
    """Read a network's answers as the kiosk does."""
    findings_of_films = [
        classify(manifest, _in_order(manifest, scores, maps)).findings
        for scores, maps in zip(answered.scores, answered.maps, strict=True)
    ]
    return Readings(
        np.array([[finding.score for finding in findings] for findings in findings_of_films]),
        np.array([[finding.flagged for finding in findings] for findings in findings_of_films]),
    )


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


def _in_order(manifest: Manifest, scores: NDArray[np.float32], maps: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The model's two outputs for one picture, in the order that the package says."""
    outputs = [scores[np.newaxis], maps[np.newaxis]]
    return outputs if manifest.outputs.scores == 0 else outputs[::-1]
