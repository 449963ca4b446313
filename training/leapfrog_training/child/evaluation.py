"""Evaluates a run of chest-child: thresholds from the held-out training children, then the validation children, with
the controls that show whether the network looks at the lungs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog.errors import UsageError
from leapfrog.evaluation.measured import Bounds, Portion, rounded
from leapfrog.evaluation.scores import Resamples, bounds, operating_point, resample, roc
from leapfrog.packages.finding_rules import Calibration, FindingRule
from leapfrog_training.child.manifest import PNEUMONIA, child_rule
from leapfrog_training.child.reading import (
    LUNGS_MASKED,
    OTHER_FRAME,
    OTHER_GRAYS,
    Shown,
    controls,
    manifest_for,
)
from leapfrog_training.child.sides import training_sides
from leapfrog_training.datasets.children_kermany import ChildFilm, ChildrenKermany, Diagnosis
from leapfrog_training.datasets.splits import SPLITS
from leapfrog_training.errors import RunError
from leapfrog_training.evaluate.calibration import calibrated, platt
from leapfrog_training.evaluate.changes import CHANGES
from leapfrog_training.evaluate.classification import FindingScores, Readings, classifier_scores
from leapfrog_training.evaluate.forms import Form, file_of, file_sizes
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.latency import Latencies, latencies
from leapfrog_training.evaluate.measured import Evaluation, Measured
from leapfrog_training.films.reading import changed, plain, raw_scores, read
from leapfrog_training.run.folder import SHIPPED_SEED, Run

FEWEST_FILMS = 10  # of each diagnosis, on each side
SENSITIVITY = 0.9  # that the threshold keeps among the held-out training children; false alarms are compared at it
# Unless all are kept, the package says that it was not shown to look at the lungs, and nothing of it is urgent.
FURTHEST_FROM_CHANCE = 0.2  # AUROC with masked lungs: .30 to .70
LEAST_AUROC_CHANGED = 0.96  # with other grays, and in another frame
MOST_FALSE_ALARMS = 0.1  # of the healthy children's films, in the same two controls


class ShownFilms(Measured):
    """The films shown in one way, read at the threshold for plain films."""

    auroc: Bounds
    sensitivity: Portion
    false_alarms: Portion


class ChangedFilms(Measured):
    """Sensitivity and specificity of changed films minus those of the same films as they are."""

    sensitivity: Bounds
    specificity: Bounds


class FormScores(Measured):
    """A form of a network: bacterial and viral pneumonia together, and each against the healthy children."""

    all: FindingScores
    bacterial: Bounds
    viral: Bounds


class ChildSeed(Measured):
    """One seed in every form, read with the same calibration and threshold; the controls are of the int8 network.
    `held_out_sensitivity` and `held_out_specificity` are those of the training children from whom the threshold is.
    `false_alarms_compared` is the share of healthy children flagged where the int8 network finds SENSITIVITY of the
    sick.
    """

    seed: int
    a: float
    b: float
    threshold: float
    held_out_sensitivity: Portion
    held_out_specificity: Portion
    false_alarms_compared: float
    forms: dict[Form, FormScores]
    int8_minus_float32: Bounds
    controls: dict[str, ShownFilms]
    sizes: dict[Form, int]

    @property
    def looks_at_lungs(self) -> bool:
        """Whether the controls of this network are within the limits above."""
        masked = self.controls[LUNGS_MASKED]
        return abs(masked.auroc.value - 0.5) <= FURTHEST_FROM_CHANCE and all(
            self.controls[name].auroc.value >= LEAST_AUROC_CHANGED
            and self.controls[name].false_alarms.value <= MOST_FALSE_ALARMS
            for name in (OTHER_GRAYS, OTHER_FRAME)
        )


class ChildEvaluation(Evaluation):
    """All measurements of a run."""

    training_films: int
    held_out_films: int
    validation_films: int
    validation_groups: int
    left_out: int
    seeds: tuple[ChildSeed, ...]
    changes: dict[str, ChangedFilms]
    latencies: Latencies

    @property
    def shipped(self) -> ChildSeed:
        """The seed whose network ships."""
        return self.seeds[SHIPPED_SEED]

    @property
    def looks_at_lungs(self) -> bool:
        """Whether the controls of every seed are within the limits."""
        return all(seed.looks_at_lungs for seed in self.seeds)

    def rule(self) -> FindingRule:
        """The finding's entry in `model.toml`."""
        shipped = self.shipped
        return child_rule(Calibration(a=shipped.a, b=shipped.b), shipped.threshold, urgent=self.looks_at_lungs)

    def aurocs(self, form: Form) -> list[float]:
        """The AUROC of each seed."""
        return [seed.forms[form].all.auroc.value for seed in self.seeds]

    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package: the mean over the seeds with its spread, and the shipped seed in detail."""
        values = self.aurocs(Form.INT8)
        return {
            "validation_films": self.validation_films,
            "training_films": self.training_films,
            "held_out_films": self.held_out_films,
            "seeds": len(self.seeds),
            "shipped_seed": self.shipped.seed,
            "auroc": rounded(np.mean(values)),
            "auroc_lowest_seed": rounded(np.min(values)),
            "auroc_highest_seed": rounded(np.max(values)),
            "hospitals_outside_the_training_data": 0,
            "shown_to_look_at_the_lungs": self.looks_at_lungs,
            "shipped": _shipped_metrics(self.shipped),
            "control": {name: _shown_metrics(shown) for name, shown in self.shipped.controls.items()},
        }


@dataclass(frozen=True)
class ShippedChildren:
    """The validation films as the shipped seed reads them, for drawing."""

    sick: NDArray[np.bool_]
    read: Mapping[Form, Readings]


def covered(data: ChildrenKermany) -> tuple[str, ...]:
    """The only finding. Raises UsageError if a diagnosis has too few films on a side to train and to measure."""
    for split in SPLITS:
        for diagnosis in Diagnosis:
            found = sum(film.diagnosis is diagnosis for film in data.in_split(split))
            if found < FEWEST_FILMS:
                raise UsageError(
                    f"{diagnosis.value}: only {found} films on the side {split}; at least {FEWEST_FILMS} are needed"
                )
    return (PNEUMONIA,)


def evaluate_child(run: Run, data: ChildrenKermany) -> tuple[ChildEvaluation, ShippedChildren]:
    """Set each seed's threshold on the held-out training children, then read the validation children's films with it.

    Raises RunError if a network is missing.
    """
    sides, films = training_sides(data), data.in_split("test")
    draws = resample([film.patient for film in films])
    ways = controls(sides.fitted)
    scored = [_seed(run, seed, sides.held_out, films, ways, draws) for seed in range(run.notes.seeds)]
    shipped, shipped_read = scored[SHIPPED_SEED]
    evaluation = ChildEvaluation(
        training_films=len(sides.fitted),
        held_out_films=len(sides.held_out),
        validation_films=len(films),
        validation_groups=len({film.patient for film in films}),
        left_out=len(data.problems),
        seeds=tuple(seed for seed, _ in scored),
        changes=_changes(run, shipped, shipped_read[Form.INT8], films, draws),
        latencies=latencies(run.seed(SHIPPED_SEED)),
    )
    return evaluation, ShippedChildren(_sick(films), shipped_read)


def threshold_for(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """The highest threshold, midway between two of the scores, that flags at least SENSITIVITY of the positives. One
    half if there is none.
    """
    values = np.unique(scores)
    candidates = (values[1:] + values[:-1]) / 2
    found = (scores[positive][np.newaxis, :] >= candidates[:, np.newaxis]).mean(axis=1)
    enough = candidates[found >= SENSITIVITY]
    return float(enough[-1]) if len(enough) else 0.5  # all its digits: a rounded one could change sides


def _seed(
    run: Run,
    seed: int,
    held_out: Sequence[ChildFilm],
    films: Sequence[ChildFilm],
    ways: Mapping[str, Shown],
    draws: Resamples,
) -> tuple[ChildSeed, dict[Form, Readings]]:
    job, sick = run.seed(seed), _sick(films)
    with KioskModel(file_of(job, Form.INT8)) as model:
        scores, positive = raw_scores(model, held_out)[:, 0], _sick(held_out)
        calibration = platt(positive, scores)
        shown = calibrated(scores, calibration)
        threshold = threshold_for(positive, shown)
        manifest = manifest_for(model, calibration, threshold)
        controlled = {
            name: _shown_films(sick, read(model, manifest, way(films), len(films)), draws) for name, way in ways.items()
        }
    readings = {}
    for form in Form:
        with KioskModel(file_of(job, form)) as model:
            readings[form] = read(model, manifest, plain(films), len(films))
    difference = bounds(_aurocs(draws, sick, readings[Form.INT8]) - _aurocs(draws, sick, readings[Form.FLOAT32]))
    point = operating_point(positive, shown >= threshold)
    if difference is None or point.sensitivity is None or point.specificity is None:
        raise RunError(f"{job.folder} cannot be measured: healthy and sick children are needed on each side")
    measured = ChildSeed(
        seed=seed,
        a=calibration.a,
        b=calibration.b,
        threshold=threshold,
        held_out_sensitivity=point.sensitivity,
        held_out_specificity=point.specificity,
        false_alarms_compared=_false_alarms_at(SENSITIVITY, sick, readings[Form.INT8]),
        forms={form: _form_scores(films, of_form, draws) for form, of_form in readings.items()},
        int8_minus_float32=difference,
        controls=controlled,
        sizes=file_sizes(job),
    )
    return measured, readings


def _false_alarms_at(sensitivity: float, sick: NDArray[np.bool_], shown: Readings) -> float:
    alarms, found = roc(sick, shown.scores[:, 0])
    return float(alarms[found >= sensitivity].min())


def _changes(
    run: Run, shipped: ChildSeed, as_they_are: Readings, films: Sequence[ChildFilm], draws: Resamples
) -> dict[str, ChangedFilms]:
    sick = _sick(films)
    measured = {}
    with KioskModel(file_of(run.seed(SHIPPED_SEED), Form.INT8)) as model:
        manifest = manifest_for(model, Calibration(a=shipped.a, b=shipped.b), shipped.threshold)
        for name, change in CHANGES.items():
            flagged = read(model, manifest, changed(change, films), len(films)).flagged[:, 0]
            more = flagged.astype(np.float64) - as_they_are.flagged[:, 0]
            measured[name] = ChangedFilms(
                sensitivity=_known(bounds(draws.mean(np.where(sick, more, np.nan)))),
                specificity=_known(bounds(draws.mean(np.where(sick, np.nan, -more)))),
            )
    return measured


def _form_scores(films: Sequence[ChildFilm], read_films: Readings, draws: Resamples) -> FormScores:
    sick = _sick(films)
    scores = classifier_scores([PNEUMONIA], sick[:, np.newaxis], sick, read_films, draws)

    def against_healthy(diagnosis: Diagnosis) -> Bounds:
        chosen = np.array([film.diagnosis in (diagnosis, Diagnosis.NORMAL) for film in films])
        return _known(bounds(_aurocs(draws.among(chosen), sick, read_films)))

    return FormScores(
        all=scores.findings[0],
        bacterial=against_healthy(Diagnosis.BACTERIAL),
        viral=against_healthy(Diagnosis.VIRAL),
    )


def _shown_films(sick: NDArray[np.bool_], shown: Readings, draws: Resamples) -> ShownFilms:
    sensitivity, false_alarms = (operating_point(kind, shown.flagged[:, 0]).sensitivity for kind in (sick, ~sick))
    if sensitivity is None or false_alarms is None:
        raise ValueError("healthy and sick children are needed")
    return ShownFilms(
        auroc=_known(bounds(_aurocs(draws, sick, shown))), sensitivity=sensitivity, false_alarms=false_alarms
    )


def _aurocs(draws: Resamples, sick: NDArray[np.bool_], shown: Readings) -> NDArray[np.float64]:
    return draws.auroc(sick, shown.scores[:, 0])


def _known(value: Bounds | None) -> Bounds:
    if value is None:
        raise ValueError("healthy and sick children are needed")
    return value


def _sick(films: Sequence[ChildFilm]) -> NDArray[np.bool_]:
    return np.array([film.has_pneumonia for film in films], dtype=np.bool_)


def _shipped_metrics(shipped: ChildSeed) -> dict[str, Any]:
    scores = shipped.forms[Form.INT8]
    return {
        "auroc": rounded(scores.all.auroc.value),
        "auroc_interval": scores.all.auroc.rounded(),
        "auroc_bacterial": rounded(scores.bacterial.value),
        "auroc_bacterial_interval": scores.bacterial.rounded(),
        "auroc_viral": rounded(scores.viral.value),
        "auroc_viral_interval": scores.viral.rounded(),
        "auroc_float32": rounded(shipped.forms[Form.FLOAT32].all.auroc.value),
        "auroc_quantized_after_training": rounded(shipped.forms[Form.PTQ].all.auroc.value),
        "int8_minus_float32": rounded(shipped.int8_minus_float32.value),
        "int8_minus_float32_interval": shipped.int8_minus_float32.rounded(),
        "sensitivity": rounded(scores.all.sensitivity.value),
        "specificity": rounded(scores.all.specificity.value),
        "false_alarms_at_sensitivity_0.9": rounded(shipped.false_alarms_compared),
        "brier": rounded(scores.all.brier),
        "int8_bytes": shipped.sizes[Form.INT8],
        "float32_bytes": shipped.sizes[Form.FLOAT32],
    }


def _shown_metrics(shown: ShownFilms) -> dict[str, Any]:
    return {
        "auroc": rounded(shown.auroc.value),
        "auroc_interval": shown.auroc.rounded(),
        "sensitivity": rounded(shown.sensitivity.value),
        "false_alarms": rounded(shown.false_alarms.value),
    }
