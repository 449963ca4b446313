"""Evaluates a run of chest-findings: rules from the cross-validation, then the validation films, once for each seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.chest.films import abnormal, truth
from leapfrog_training.chest.manifest import chest_manifest
from leapfrog_training.chest.rules import CrossValidatedRule, cross_validated_rules, held_out_answers
from leapfrog_training.datasets.chestxray14 import ChestXray14, Film
from leapfrog_training.errors import RunError
from leapfrog_training.evaluate.classification import (
    Answers,
    ClassifierScores,
    Readings,
    answers,
    aurocs,
    classifier_scores,
    readings,
)
from leapfrog_training.evaluate.forms import Form, file_of, file_sizes
from leapfrog_training.evaluate.heat_maps import BoxWithMap, PointingGame, correlation, pointing_game
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.latency import Latencies, latencies
from leapfrog_training.evaluate.measured import Bounds, Evaluation, Measured, rounded
from leapfrog_training.evaluate.scores import Resamples, bounds, resample
from leapfrog_training.run.folder import SHIPPED_SEED, Job, Run


class ChestSeed(Measured):
    """One seed in every form, read with the same rules.

    `int8_minus_float32` is the difference in mean AUROC, with the interval of the difference itself. The correlations
    are those of the int8 heat maps with the maps of the network in simulated int8 that they were converted from, and
    with those of the float network. `pointing` is over all boxes: validation films are read by this seed, training
    films by the fold that held them out.
    """

    seed: int
    forms: dict[Form, ClassifierScores]
    int8_minus_float32: Bounds
    maps_like_simulated: float
    maps_like_float32: float
    pointing: PointingGame | None
    sizes: dict[Form, int]


class ChestEvaluation(Evaluation):
    """All measurements of a run."""

    training_films: int
    validation_films: int
    left_out: int
    rules: tuple[CrossValidatedRule, ...]
    seeds: tuple[ChestSeed, ...]
    latencies: Latencies

    @property
    def shipped(self) -> ChestSeed:
        """The seed whose network ships."""
        return self.seeds[SHIPPED_SEED]

    def mean_aurocs(self, form: Form) -> list[float]:
        """The mean AUROC of each seed."""
        return [seed.forms[form].mean_auroc.value for seed in self.seeds]

    def means_within_abnormal(self, form: Form) -> list[float]:
        """The mean AUROC among abnormal films of each seed, except where it is undefined."""
        means = [seed.forms[form].mean_within_abnormal for seed in self.seeds]
        return [mean.value for mean in means if mean is not None]

    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package: the mean over the seeds with its spread, and the shipped seed in detail."""
        means, among_abnormal = self.mean_aurocs(Form.INT8), self.means_within_abnormal(Form.INT8)
        values: dict[str, Any] = {
            "validation_films": self.validation_films,
            "training_films": self.training_films,
            "seeds": len(self.seeds),
            "shipped_seed": self.shipped.seed,
            "mean_auroc": rounded(np.mean(means)),
            "mean_auroc_lowest_seed": rounded(np.min(means)),
            "mean_auroc_highest_seed": rounded(np.max(means)),
        }
        if among_abnormal:
            values["mean_auroc_within_abnormal"] = rounded(np.mean(among_abnormal))
        return {**values, "shipped": _shipped_metrics(self.shipped), "finding": _finding_metrics(self.shipped)}


@dataclass(frozen=True)
class ShippedFilms:
    """The validation films as the shipped seed reads them, for drawing: labels (films, findings), what the kiosk
    reports with each form, and the int8 network's heat maps.
    """

    films: tuple[Film, ...]
    labels: NDArray[np.bool_]
    read: Mapping[Form, Readings]
    maps: NDArray[np.float32]


def evaluate_chest(run: Run, data: ChestXray14) -> tuple[ChestEvaluation, ShippedFilms]:
    """Choose calibrations and thresholds on held-out training films, then score the validation films with each seed.

    Raises RunError if a network is missing.
    """
    training, films = data.in_split("train"), data.in_split("test")
    held_out = held_out_answers(run, training)
    rules = cross_validated_rules(run.notes.findings, training, held_out)
    on_training = _boxes_with_maps(training, run.notes.findings, held_out)
    draws = resample([film.patient for film in films])
    scored = []
    for seed in range(run.notes.seeds):
        answered = _answered(run.seed(seed), films)
        read = _read(run, seed, rules, answered)
        scored.append((_seed_scores(run, seed, films, draws, answered, read, on_training), answered, read))
    _, answered, read = scored[SHIPPED_SEED]
    evaluation = ChestEvaluation(
        training_films=len(training),
        validation_films=len(films),
        left_out=len(data.problems),
        rules=rules,
        seeds=tuple(seed for seed, _, _ in scored),
        latencies=latencies(run.seed(SHIPPED_SEED)),
    )
    return evaluation, ShippedFilms(films, truth(films, run.notes.findings), read, answered[Form.INT8].maps)


def _answered(job: Job, films: Sequence[Film]) -> dict[Form, Answers]:
    answered = {}
    for form in Form:
        with KioskModel(file_of(job, form)) as model:
            answered[form] = answers(model, [film.path for film in films])
    return answered


def _read(
    run: Run, seed: int, rules: tuple[CrossValidatedRule, ...], answered: Mapping[Form, Answers]
) -> dict[Form, Readings]:
    """Read each form with the same rules, so that only the network differs."""
    with KioskModel(run.seed(seed).int8) as model:
        manifest = chest_manifest("0", model, tuple(rule.rule() for rule in rules), run.notes.findings)
    return {form: readings(manifest, outputs) for form, outputs in answered.items()}


def _seed_scores(
    run: Run,
    seed: int,
    films: Sequence[Film],
    draws: Resamples,
    answered: Mapping[Form, Answers],
    read: Mapping[Form, Readings],
    on_training: Sequence[BoxWithMap],
) -> ChestSeed:
    findings, job = run.notes.findings, run.seed(seed)
    labels, sick = truth(films, findings), abnormal(films)
    means = {form: aurocs(draws, labels, of_form.scores).mean(axis=1) for form, of_form in read.items()}
    difference = bounds(means[Form.INT8] - means[Form.FLOAT32])
    like_simulated = correlation(answered[Form.INT8].maps, simulated_maps(job, len(films)))
    like_float32 = correlation(answered[Form.INT8].maps, answered[Form.FLOAT32].maps)
    if difference is None or like_simulated is None or like_float32 is None:
        raise RunError(f"{job.folder}: the network gives the same answer for every film: it has learnt nothing")
    return ChestSeed(
        seed=seed,
        forms={form: classifier_scores(findings, labels, sick, of_form, draws) for form, of_form in read.items()},
        int8_minus_float32=difference,
        maps_like_simulated=like_simulated,
        maps_like_float32=like_float32,
        pointing=pointing_game([*on_training, *_boxes_with_maps(films, findings, answered[Form.INT8])]),
        sizes=file_sizes(job),
    )


def simulated_maps(job: Job, films: int) -> NDArray[np.float32]:
    """The maps of the validation films, as `quantize` saved them. Raises RunError if they are of other films."""
    try:
        maps = np.load(job.aware_heat_maps)
    except FileNotFoundError as error:
        raise RunError(
            f"{job.aware_heat_maps} is missing: remove {job.int8} and run `leapfrog-train quantize` again"
        ) from error
    if len(maps) != films:
        raise RunError(
            f"{job.aware_heat_maps} has the maps of {len(maps)} films, not of {films}: give the --data of `quantize`"
        )
    return np.asarray(maps, dtype=np.float32)


def _boxes_with_maps(films: Sequence[Film], findings: Sequence[str], answered: Answers) -> list[BoxWithMap]:
    return [
        BoxWithMap(film.patient, box, answered.maps[index, :, :, findings.index(box.label)])
        for index, film in enumerate(films)
        for box in film.boxes
        if box.label in findings
    ]


def _shipped_metrics(shipped: ChestSeed) -> dict[str, Any]:
    scores = shipped.forms[Form.INT8]
    values = {
        "mean_auroc": rounded(scores.mean_auroc.value),
        "mean_auroc_interval": scores.mean_auroc.rounded(),
        "mean_auroc_float32": rounded(shipped.forms[Form.FLOAT32].mean_auroc.value),
        "mean_auroc_quantized_after_training": rounded(shipped.forms[Form.PTQ].mean_auroc.value),
        "int8_minus_float32": rounded(shipped.int8_minus_float32.value),
        "int8_minus_float32_interval": shipped.int8_minus_float32.rounded(),
        "heat_map_agreement_with_float32": rounded(shipped.maps_like_float32),
        "heat_map_agreement_with_simulated_int8": rounded(shipped.maps_like_simulated),
        "brier": rounded(scores.brier),
        "calibration_error": rounded(scores.calibration_error),
        "int8_bytes": shipped.sizes[Form.INT8],
        "float32_bytes": shipped.sizes[Form.FLOAT32],
    }
    if shipped.pointing is not None:
        values["pointing_game"] = {
            "boxes": shipped.pointing.boxes,
            "hit_rate": rounded(shipped.pointing.hit_rate.value),
            "hit_rate_interval": shipped.pointing.hit_rate.rounded(),
            "chance": rounded(shipped.pointing.chance),
            "best_fixed_point": rounded(shipped.pointing.best_fixed_point),
        }
    return values


def _finding_metrics(shipped: ChestSeed) -> dict[str, Any]:
    values = {}
    for finding in shipped.forms[Form.INT8].findings:
        values[finding.label] = {
            "positives": finding.positives,
            "auroc": rounded(finding.auroc.value),
            "auroc_interval": finding.auroc.rounded(),
            "sensitivity": rounded(finding.sensitivity.value),
            "specificity": rounded(finding.specificity.value),
            "brier": rounded(finding.brier),
        }
        if finding.within_abnormal is not None:
            values[finding.label]["auroc_within_abnormal"] = rounded(finding.within_abnormal.value)
            values[finding.label]["auroc_within_abnormal_interval"] = finding.within_abnormal.rounded()
    return values
