"""What a run of chest-findings is worth: thresholds from the cross-validation, then the validation films, once a seed.

Runs on the training machine only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leapfrog.reading.package import Calibration, FindingRule
from leapfrog_training.calibration import calibrated, flagging_threshold, platt
from leapfrog_training.chest.drawing import draw_chest
from leapfrog_training.chest.films import abnormal, folds_of, truth
from leapfrog_training.datasets.chestxray14 import ChestXray14, Film
from leapfrog_training.evaluate import (
    ChestScores,
    FileSizes,
    FormLatencies,
    Measured,
    chest_scores,
    file_sizes,
    form_latencies,
    heat_map_agreement,
    heat_maps,
    kiosk_scores,
    raw_scores,
    within_abnormal,
)
from leapfrog_training.kiosk import KioskModel
from leapfrog_training.localisation import Pointing, chance_of_hitting, hottest_point, wilson
from leapfrog_training.manifests import chest_manifest, chest_rule
from leapfrog_training.reliability import reliability
from leapfrog_training.runs import SHIPPED_SEED, Job, Run
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


class FindingCalibration(Measured):
    """How far one finding's scores can be taken at their word, on the validation films."""

    label: str
    calibration_error: float
    brier: float


class PointingGame(Measured):
    """Of the boxes that radiologists drew around covered findings: in how many the map is hottest, and by chance."""

    boxes: int
    hits: int
    low: float
    high: float
    chance: float
    boxes_not_covered: int

    @property
    def share(self) -> float:
        """The share of hits."""
        return self.hits / self.boxes


class ChestSeed(Measured):
    """One seed in its three forms, each as the kiosk reads it, and its int8 maps beside those of the others.

    `aware_agreement` is with its own network in simulated int8, `float_agreement` with the float one.
    """

    seed: int
    scores: ChestScores
    float32: ChestScores
    ptq: ChestScores
    calibration: tuple[FindingCalibration, ...]
    aware_agreement: float
    float_agreement: float
    sizes: FileSizes


class ChestEvaluation(Measured):
    """All that was measured in a run. `cross_validation` is AUROC of all and of abnormal held-out films by share."""

    fine_tuned_share: float
    cross_validation: tuple[tuple[float, float], ...]
    training_films: int
    validation_films: int
    left_out: int
    rules: tuple[CrossValidatedRule, ...]
    pointing: PointingGame | None
    latency: FormLatencies
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
                "mean_auroc_float32": _rounded(shipped.float32.mean_auroc.value),
                "mean_auroc_quantized_after_training": _rounded(shipped.ptq.mean_auroc.value),
                "heat_map_agreement_with_float32": _rounded(shipped.float_agreement),
                "heat_map_agreement_with_simulated_int8": _rounded(shipped.aware_agreement),
                "int8_bytes": shipped.sizes.int8,
                "float32_bytes": shipped.sizes.float32,
            },
            **({} if self.pointing is None else {"pointing": self.pointing.model_dump()}),
            "finding": {
                finding.label: {
                    "positives": finding.positives,
                    "auroc": _rounded(finding.auroc.value),
                    "auroc_interval": [_rounded(finding.auroc.low), _rounded(finding.auroc.high)],
                    "sensitivity": _rounded(finding.sensitivity),
                    "specificity": _rounded(finding.specificity),
                    "calibration_error": _rounded(calibration.calibration_error),
                    **(
                        {}
                        if finding.within_abnormal is None
                        else {"auroc_within_abnormal": _rounded(finding.within_abnormal)}
                    ),
                }
                for finding, calibration in zip(shipped.scores.findings, shipped.calibration, strict=True)
            },
        }


def evaluate_chest(run: Run, data: ChestXray14) -> ChestEvaluation:
    """Choose calibrations and thresholds on held-out training films, then score the validation films per seed.

    The figures of the card are drawn into `figures/`, films that were read rightly and wrongly into `examples/`.
    """
    rules = cross_validated_rules(run, data)
    films = data.in_split("test")
    seeds = []
    for seed in range(run.notes.seeds):
        answers = _Answers(run, seed, films, rules)
        seeds.append(_seed_scores(run, seed, films, answers))
        if seed == SHIPPED_SEED:
            draw_chest(run, films, answers.manifest, answers.scores, answers.maps)
    return ChestEvaluation(
        fine_tuned_share=run.notes.fine_tuned_share if run.notes.fine_tuned_share is not None else 1.0,
        cross_validation=run.notes.cross_validation,
        training_films=len(data.in_split("train")),
        validation_films=len(films),
        left_out=len(data.problems),
        rules=rules,
        pointing=pointing_game(run, data),
        latency=form_latencies(run.seed(SHIPPED_SEED)),
        seeds=tuple(seeds),
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


def pointing_game(run: Run, data: ChestXray14) -> PointingGame | None:
    """Play the pointing game over all boxes of covered findings; None where the data set has no boxes.

    Each film is shown to an int8 network that was not trained on it: a training film to that of the fold which held it
    out, a validation film to the shipped seed's.
    """
    films = data.in_split("train")
    networks = [
        (run.fold(index), [films[position] for position in fold.held_out])
        for index, fold in enumerate(folds_of(films, run.notes.folds))
    ]
    networks.append((run.seed(SHIPPED_SEED), list(data.in_split("test"))))
    pointings = []
    for job, shown in networks:
        marked = [film for film in shown if any(box.label in run.notes.findings for box in film.boxes)]
        if not marked:
            continue
        for film, maps in zip(marked, heat_maps(KioskModel(job.int8), marked), strict=True):
            for box in film.boxes:
                if box.label in run.notes.findings:
                    heat = maps[..., run.notes.findings.index(box.label)]
                    pointings.append(Pointing(box, *hottest_point(heat)))
    if not pointings:
        return None
    hits = sum(one.hits for one in pointings)
    low, high = wilson(hits, len(pointings))
    return PointingGame(
        boxes=len(pointings),
        hits=hits,
        low=_rounded(low),
        high=_rounded(high),
        chance=_rounded(chance_of_hitting(pointings)),
        boxes_not_covered=sum(len(film.boxes) for film in data.films) - len(pointings),
    )


class _Answers:
    """What one seed's networks say of the validation films, through the kiosk."""

    def __init__(self, run: Run, seed: int, films: Sequence[Film], rules: tuple[CrossValidatedRule, ...]) -> None:
        self.job: Job = run.seed(seed)
        model = KioskModel(self.job.int8)
        findings = run.notes.findings
        self.manifest = chest_manifest("0", model, tuple(rule.rule() for rule in rules), findings)
        self.scores = kiosk_scores(self.manifest, model, films)
        self.maps = heat_maps(model, films)
        self.float_maps = heat_maps(KioskModel(self.job.float32), films)

    def of(self, form: Path, films: Sequence[Film], findings: tuple[str, ...]) -> ChestScores:
        model = KioskModel(form)
        outputs = self.manifest.outputs.model_copy(
            update={"scores": model.output_of_rank(2), "heatmap": model.output_of_rank(4)}
        )
        manifest = self.manifest.model_copy(update={"outputs": outputs})
        return chest_scores(manifest, kiosk_scores(manifest, model, films), films, findings)


def _seed_scores(run: Run, seed: int, films: Sequence[Film], answers: _Answers) -> ChestSeed:
    job, findings = answers.job, run.notes.findings
    carried = truth(films, findings)
    calibrations = [(label, reliability(carried[:, k], answers.scores[:, k])) for k, label in enumerate(findings)]
    return ChestSeed(
        seed=seed,
        scores=chest_scores(answers.manifest, answers.scores, films, findings),
        float32=answers.of(job.float32, films, findings),
        ptq=answers.of(job.ptq, films, findings),
        calibration=tuple(
            FindingCalibration(label=label, calibration_error=one.calibration_error, brier=one.brier)
            for label, one in calibrations
        ),
        aware_agreement=heat_map_agreement(answers.maps, np.load(job.aware_heat_maps)),
        float_agreement=heat_map_agreement(answers.maps, answers.float_maps),
        sizes=file_sizes(job),
    )


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
