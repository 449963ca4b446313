"""Evaluates a run of chest-findings: rules from the folds, then films that no network saw, and attempts to show that
the networks look at something else than the lungs.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from leapfrog.evaluation.measured import Bounds, Portion, rounded
from leapfrog.evaluation.scores import bounds, portion
from leapfrog.packages.manifest import Manifest
from leapfrog.reader.assess.classification import classify
from leapfrog_training.chest.decisions.rules import ChestRule, held_out_scores, rules_from
from leapfrog_training.chest.decisions.told_views import told_views
from leapfrog_training.chest.evaluation.controls import controls
from leapfrog_training.chest.evaluation.cues import CUES, cue_scores
from leapfrog_training.chest.evaluation.measures import MatchedScores, Means, Pairs, Shares, matched_scores, shares
from leapfrog_training.chest.evaluation.pointing import measured_pointing
from leapfrog_training.chest.films import Adults, Source, of_view, with_views
from leapfrog_training.chest.manifest import chest_manifest
from leapfrog_training.chest.mixing import groups_of
from leapfrog_training.errors import RunError
from leapfrog_training.evaluate.changes import CHANGES
from leapfrog_training.evaluate.classification import Readings
from leapfrog_training.evaluate.forms import Form, file_of, file_sizes
from leapfrog_training.evaluate.heat_maps import Pointing
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.latency import Latencies, latencies
from leapfrog_training.evaluate.measured import Evaluation, Measured
from leapfrog_training.films.reading import changed, plain, read
from leapfrog_training.run.folder import SHIPPED_SEED, Job, Run

Value = TypeVar("Value")


class ChangedFilms(Measured):
    """Sensitivity (abnormal films with any flag) and specificity (normal films without one) of changed films minus
    those of the same films as they are.
    """

    sensitivity: Bounds
    specificity: Bounds


class ShownFilms(Measured):
    """Films shown in one way: AUROC of abnormal against normal films of each source, and the normal films that are
    urgent then.
    """

    against_rsna_normal: Bounds
    against_no_finding: Bounds
    urgent_rsna_normal: Portion
    urgent_no_finding: Portion


class CueScores(Measured):
    """AUROC of a model that sees one cue only."""

    against_rsna_normal: Bounds
    against_no_finding: Bounds


class ChestSeed(Measured):
    """One seed in int8, read with the same rules as the others: `validation` films alone, and `pooled` with the
    training films, each read by the network of the fold that held it out. `normal_apart` is the AUROC of No Finding
    against RSNA-normal films, both normal: it should be one half.
    """

    seed: int
    pooled: tuple[MatchedScores, ...]
    pooled_means: Means
    validation: tuple[MatchedScores, ...]
    shares: Shares
    pooled_shares: Shares
    normal_apart: Bounds
    controls: dict[str, ShownFilms]
    views_told: Portion


class FormScores(Measured):
    """The shipped seed's validation films in one form: the AUROC of abnormal films against RSNA-normal ones."""

    auroc: Bounds
    minus_float32: Bounds


class LeftOutSource(Measured):
    """A network trained without the normal films of one source, read with the same rules as the shipped one: how many
    of that source's validation films are urgent, and how many have any flag.
    """

    source: str
    urgent: Portion
    flagged: Portion


class ChestEvaluation(Evaluation):
    """All measurements of a run. Of the findings that it was trained for, `not_shipped` are those that are not told
    from other abnormal films, with what they reached, and `too_rare` those that have too few films in each view.
    """

    training_films: int
    validation_films: int
    left_out: int
    not_shipped: dict[str, tuple[float, float, float]]
    too_rare: tuple[str, ...] = ()
    rules: tuple[ChestRule, ...]
    seeds: tuple[ChestSeed, ...]
    forms: dict[Form, FormScores]
    sizes: dict[Form, int]
    cues: dict[str, CueScores]
    changes: dict[str, ChangedFilms]
    without: tuple[LeftOutSource, ...]
    pointing: Pointing | None
    latencies: Latencies

    @property
    def shipped(self) -> ChestSeed:
        """The seed whose network ships."""
        return self.seeds[SHIPPED_SEED]

    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package."""
        shipped = self.shipped
        return {
            "validation_films": self.validation_films,
            "training_films": self.training_films,
            "seeds": len(self.seeds),
            "shipped_seed": shipped.seed,
            "hospitals_outside_the_training_data": 0,
            "int8_bytes": self.sizes[Form.INT8],
            "float32_bytes": self.sizes[Form.FLOAT32],
            "int8_minus_float32": rounded(self.forms[Form.INT8].minus_float32.value),
            "finding": {one.label: _finding_metrics(one) for one in shipped.pooled},
            "urgent": {name: rounded(share.value) for name, share in shipped.shares.urgent.items()},
            "flagged": {name: rounded(share.value) for name, share in shipped.shares.flagged.items()},
            "without": {
                one.source: {"urgent": rounded(one.urgent.value), "flagged": rounded(one.flagged.value)}
                for one in self.without
            },
            "control": {name: rounded(shown.against_rsna_normal.value) for name, shown in shipped.controls.items()},
        }


@dataclass(frozen=True)
class ShippedFilms:
    """All films as networks read them that had not seen them, for drawing: validation films by the shipped seed, those
    for training by the folds that held them out.
    """

    pairs: Pairs
    read: Readings


@dataclass(frozen=True)
class _Sides:
    """Training and validation films, as pairs to compare, the readings of the training films held out, and the views
    in which each finding is looked for.
    """

    training: Pairs
    validation: Pairs
    held_out: Readings
    manifest: Manifest
    looked_for: tuple[tuple[str, ...], ...]

    @property
    def pooled(self) -> Pairs:
        return Pairs.of((*self.training.films, *self.validation.films), self.training.findings)


def evaluate_chest(run: Run, data: Adults) -> tuple[ChestEvaluation, ShippedFilms]:
    """Choose calibrations and thresholds on held-out training films, then measure films that no network saw.

    Raises RunError if a network is missing, or if a group of films is too small to measure anything.
    """
    views = told_views(run)
    training, films = (with_views(data.in_split(split), views) for split in ("train", "test"))
    raw = held_out_scores(run, training)
    rules = rules_from(run.notes.shipped, training, raw)
    with KioskModel(file_of(run.seed(SHIPPED_SEED), Form.INT8)) as model:
        manifest = chest_manifest("0", model, rules, run.notes.findings)
    sides = _Sides(
        Pairs.of(training, run.notes.shipped),
        Pairs.of(films, run.notes.shipped),
        _readings(manifest, raw),
        manifest,
        tuple(rule.views for rule in rules),
    )
    seeds = [_seed(run.seed(seed), seed, sides) for seed in range(run.notes.seeds)]
    _, as_they_are = seeds[SHIPPED_SEED]
    job = run.seed(SHIPPED_SEED)
    evaluation = ChestEvaluation(
        training_films=len(training),
        validation_films=len(films),
        left_out=len(data.problems),
        not_shipped={
            label: within for label, within in run.notes.within_abnormal.items() if label not in run.notes.shipped
        },
        too_rare=tuple(
            label for label in run.notes.findings if label not in {*run.notes.shipped, *run.notes.within_abnormal}
        ),
        rules=rules,
        seeds=tuple(seed for seed, _ in seeds),
        forms=_forms(job, sides, as_they_are),
        sizes=file_sizes(job),
        cues=_cues(sides),
        changes=_changes(job, sides, as_they_are),
        without=tuple(_left_out(run.without(source), Source(source), sides) for source in run.notes.without),
        pointing=measured_pointing(run, training, films),
        latencies=latencies(job),
    )
    return evaluation, ShippedFilms(sides.pooled, sides.held_out.followed_by(as_they_are))


def _readings(manifest: Manifest, raw: NDArray[np.float32]) -> Readings:
    """What a kiosk reports for films with these scores (films, findings and view)."""
    names = [rule.name for rule in manifest.finding]
    return Readings.of(names, [classify(manifest, [row[np.newaxis]]) for row in raw])


def _read(job: Job, form: Form, sides: _Sides) -> Readings:
    films = sides.validation.films
    with KioskModel(file_of(job, form)) as model:
        return read(model, sides.manifest, plain(films), len(films))


def _seed(job: Job, seed: int, sides: _Sides) -> tuple[ChestSeed, Readings]:
    shown = _read(job, Form.INT8, sides)
    both = sides.held_out.followed_by(shown)
    pooled, pooled_means = matched_scores(sides.pooled, both.scores, sides.looked_for)
    validation, _ = matched_scores(sides.validation, shown.scores, sides.looked_for)
    pairs = sides.validation
    apart = pairs.auroc(
        pairs.normal(Source.CHESTXRAY14),
        pairs.normal(Source.RSNA_NORMAL),
        shown.scores[:, pairs.for_abnormal],
    )
    known = np.array([film.source is Source.CHESTXRAY14 for film in pairs.films])
    if shown.is_ap is None:
        raise RunError(f"{job.int8} does not tell views")
    measured = ChestSeed(
        seed=seed,
        pooled=pooled,
        pooled_means=pooled_means,
        validation=validation,
        shares=shares(pairs, shown),
        pooled_shares=shares(sides.pooled, both),
        normal_apart=_known(bounds(apart)),
        controls=_controls(job, sides),
        views_told=_known(portion((shown.is_ap == of_view(pairs.films, "AP"))[known])),
    )
    return measured, shown


def _controls(job: Job, sides: _Sides) -> dict[str, ShownFilms]:
    pairs, measured = sides.validation, {}
    with KioskModel(file_of(job, Form.INT8)) as model:
        for name, way in controls(sides.training.films).items():
            shown = read(model, sides.manifest, way(pairs.films), len(pairs.films))
            scores, urgent = shown.scores[:, pairs.for_abnormal], shown.any_urgent
            rsna, mined = (pairs.normal(source) for source in (Source.RSNA_NORMAL, Source.CHESTXRAY14))
            measured[name] = ShownFilms(
                against_rsna_normal=_known(bounds(pairs.auroc(pairs.sick, rsna, scores))),
                against_no_finding=_known(bounds(pairs.auroc(pairs.sick, mined, scores))),
                urgent_rsna_normal=_known(portion(urgent[rsna])),
                urgent_no_finding=_known(portion(urgent[mined])),
            )
    return measured


def _forms(job: Job, sides: _Sides, as_they_are: Readings) -> dict[Form, FormScores]:
    pairs = sides.validation
    rsna = pairs.normal(Source.RSNA_NORMAL)
    read_in = {form: as_they_are if form is Form.INT8 else _read(job, form, sides) for form in Form}
    drawn = {
        form: pairs.auroc(pairs.sick, rsna, of_form.scores[:, pairs.for_abnormal]) for form, of_form in read_in.items()
    }
    return {
        form: FormScores(auroc=_known(bounds(values)), minus_float32=_known(bounds(values - drawn[Form.FLOAT32])))
        for form, values in drawn.items()
    }


def _cues(sides: _Sides) -> dict[str, CueScores]:
    training, pairs = sides.training, sides.validation
    shown_in_training, shown = list(plain(training.films)), list(plain(pairs.films))
    weights = np.zeros(len(training.films), np.float32)
    for group in groups_of(training.films):  # as in the networks' training: neither source nor view tells the answer
        weights[group.films] = len(weights) * group.share / len(group.films)
    rsna, mined = (pairs.normal(source) for source in (Source.RSNA_NORMAL, Source.CHESTXRAY14))
    measured = {}
    for name, cue in CUES.items():
        scores = cue_scores(cue, shown_in_training, training.sick, weights, shown)
        measured[name] = CueScores(
            against_rsna_normal=_known(bounds(pairs.auroc(pairs.sick, rsna, scores))),
            against_no_finding=_known(bounds(pairs.auroc(pairs.sick, mined, scores))),
        )
    return measured


def _changes(job: Job, sides: _Sides, as_they_are: Readings) -> dict[str, ChangedFilms]:
    pairs, measured = sides.validation, {}
    before = as_they_are.any_flag
    with KioskModel(file_of(job, Form.INT8)) as model:
        for name, change in CHANGES.items():
            shown = read(model, sides.manifest, changed(change, pairs.films), len(pairs.films))
            more = shown.any_flag.astype(np.float64) - before
            measured[name] = ChangedFilms(
                sensitivity=_known(bounds(pairs.draws.mean(np.where(pairs.sick, more, np.nan)))),
                specificity=_known(bounds(pairs.draws.mean(np.where(pairs.sick, np.nan, -more)))),
            )
    return measured


def _left_out(job: Job, source: Source, sides: _Sides) -> LeftOutSource:
    shown, of_source = _read(job, Form.INT8, sides), sides.validation.normal(source)
    return LeftOutSource(
        source=source,
        urgent=_known(portion(shown.any_urgent[of_source])),
        flagged=_known(portion(shown.any_flag[of_source])),
    )


def _known(value: Value | None) -> Value:
    if value is None:
        raise RunError("abnormal films and normal films of both sources are needed among the validation films")
    return value


def _finding_metrics(one: MatchedScores) -> dict[str, Any]:
    named = {
        "against_rsna_normal": one.against_rsna_normal,
        "in_pa": one.in_pa,
        "against_no_finding": one.against_no_finding,
        "within_abnormal": one.within_abnormal,
    }
    values: dict[str, Any] = {"positives": one.positives}
    for name, measured in named.items():
        if measured is not None:
            values |= {name: rounded(measured.value), f"{name}_interval": measured.rounded()}
    return values
