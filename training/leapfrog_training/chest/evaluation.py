"""What a run of chest-findings is worth: thresholds from the cross-validation, then the validation films, once a seed.

Runs on the training machine only.
"""

from typing import Any

import numpy as np

from leapfrog.reading.package import Calibration, FindingRule
from leapfrog_training.calibration import calibrated, flagging_threshold, platt
from leapfrog_training.chest.films import abnormal, folds_of, truth
from leapfrog_training.datasets.chestxray14 import ChestXray14
from leapfrog_training.evaluate import (
    ChestScores,
    FileSizes,
    Measured,
    chest_scores,
    file_sizes,
    heat_map_agreement,
    kiosk_scores,
    mean_auroc,
    raw_scores,
    within_abnormal,
)
from leapfrog_training.kiosk import KioskModel
from leapfrog_training.manifests import chest_manifest, chest_rule
from leapfrog_training.runs import Job, Run
from leapfrog_training.scores import auroc, operating_point


class CrossValidatedRule(Measured):
    """Calibration and threshold of one finding, and what they did on the training films that each fold held out."""

    label: str
    a: float
    b: float
    threshold: float
    auroc: float
    within_abnormal: float | None
    sensitivity: float
    specificity: float

    def rule(self) -> FindingRule:
        """The finding's entry in `model.toml`."""
        return chest_rule(self.label, Calibration(a=self.a, b=self.b), self.threshold)


class ChestSeed(Measured):
    """One seed: as the kiosk reads it, and its other forms for comparison (mean AUROC on the same films)."""

    seed: int
    scores: ChestScores
    float32_mean_auroc: float
    ptq_mean_auroc: float
    heat_map_agreement: float
    sizes: FileSizes


class ChestEvaluation(Measured):
    """All that was measured in a run."""

    epochs: int
    cross_validation: tuple[float, ...]
    training_films: int
    validation_films: int
    left_out: int
    rules: tuple[CrossValidatedRule, ...]
    seeds: tuple[ChestSeed, ...]

    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package: the mean over the seeds with its spread, and the shipped seed in detail."""
        means = [seed.scores.mean_auroc.value for seed in self.seeds]
        among_abnormal = [seed.scores.mean_within_abnormal for seed in self.seeds]
        shipped = self.seeds[SHIPPED_SEED]
        return {
            "validation_films": self.validation_films,
            "training_films": self.training_films,
            "seeds": len(self.seeds),
            "shipped_seed": shipped.seed,
            "mean_auroc": _rounded(np.mean(means)),
            "mean_auroc_lowest_seed": _rounded(np.min(means)),
            "mean_auroc_highest_seed": _rounded(np.max(means)),
            "mean_auroc_within_abnormal": _rounded(np.mean(among_abnormal)),
            "shipped": {
                "mean_auroc": _rounded(shipped.scores.mean_auroc.value),
                "mean_auroc_interval": [
                    _rounded(shipped.scores.mean_auroc.low),
                    _rounded(shipped.scores.mean_auroc.high),
                ],
                "mean_auroc_float32": _rounded(shipped.float32_mean_auroc),
                "mean_auroc_quantized_after_training": _rounded(shipped.ptq_mean_auroc),
                "heat_map_agreement_with_float32": _rounded(shipped.heat_map_agreement),
                "int8_bytes": shipped.sizes.int8,
                "float32_bytes": shipped.sizes.float32,
            },
            "finding": {
                finding.label: {
                    "positives": finding.positives,
                    "auroc": _rounded(finding.auroc.value),
                    "auroc_interval": [_rounded(finding.auroc.low), _rounded(finding.auroc.high)],
                    "sensitivity": _rounded(finding.sensitivity),
                    "specificity": _rounded(finding.specificity),
                    **(
                        {}
                        if finding.within_abnormal is None
                        else {"auroc_within_abnormal": _rounded(finding.within_abnormal)}
                    ),
                }
                for finding in shipped.scores.findings
            },
        }


SHIPPED_SEED = 0  # named beforehand, not chosen by its score on the validation films


def evaluate_chest(run: Run, data: ChestXray14) -> ChestEvaluation:
    """Choose calibrations and thresholds on held-out training films, then score the validation films per seed."""
    rules = cross_validated_rules(run, data)
    return ChestEvaluation(
        epochs=run.epochs,
        cross_validation=run.notes.cross_validation,
        training_films=len(data.in_split("train")),
        validation_films=len(data.in_split("test")),
        left_out=len(data.problems),
        rules=rules,
        seeds=tuple(_seed_scores(run, data, seed, rules) for seed in range(run.notes.seeds)),
    )


def cross_validated_rules(run: Run, data: ChestXray14) -> tuple[CrossValidatedRule, ...]:
    """Calibration and threshold of each finding from the scores that each fold's int8 network gives to its own
    held-out films; no network that ships has a part in it, and no validation film.
    """
    films = data.in_split("train")
    labels = truth(films, run.notes.findings)
    scores = np.zeros(labels.shape)
    for index, fold in enumerate(folds_of(films, run.notes.folds)):
        held_out = [films[position] for position in fold.held_out]
        scores[fold.held_out] = raw_scores(KioskModel(run.fold(index).int8), held_out)
    among_abnormal = within_abnormal(labels, abnormal(films), scores)
    rules = []
    for k, label in enumerate(run.notes.findings):
        calibration = platt(labels[:, k], scores[:, k])
        shown = calibrated(scores[:, k], calibration)
        threshold = flagging_threshold(labels[:, k], shown)
        point = operating_point(labels[:, k], shown >= threshold)
        rules.append(
            CrossValidatedRule(
                label=label,
                a=calibration.a,
                b=calibration.b,
                threshold=threshold,
                auroc=auroc(labels[:, k], shown),
                within_abnormal=among_abnormal[k],
                sensitivity=point.sensitivity,
                specificity=point.specificity,
            )
        )
    return tuple(rules)


def _seed_scores(run: Run, data: ChestXray14, seed: int, rules: tuple[CrossValidatedRule, ...]) -> ChestSeed:
    job: Job = run.seed(seed)
    films = data.in_split("test")
    labels = truth(films, run.notes.findings)
    model = KioskModel(job.int8)
    manifest = chest_manifest("0", model, tuple(rule.rule() for rule in rules), run.notes.findings)
    return ChestSeed(
        seed=seed,
        scores=chest_scores(manifest, kiosk_scores(manifest, model, films), films, run.notes.findings),
        float32_mean_auroc=mean_auroc(labels, raw_scores(KioskModel(job.float32), films)),
        ptq_mean_auroc=mean_auroc(labels, raw_scores(KioskModel(job.ptq), films)),
        heat_map_agreement=heat_map_agreement(job.int8, job.float32, films),
        sizes=file_sizes(job),
    )


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
