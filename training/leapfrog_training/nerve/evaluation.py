"""Evaluates a run of nerve on the patients kept out of training."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from leapfrog.evaluation.measured import Bounds, Portion, rounded
from leapfrog.evaluation.scores import Resamples, bounds, portion, resample
from leapfrog_training.datasets.nerve_picture import NerveData, NervePicture, Source
from leapfrog_training.errors import RunError
from leapfrog_training.evaluate.forms import Form, file_of, file_sizes
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.latency import Latencies, latencies
from leapfrog_training.evaluate.measured import Evaluation, Measured
from leapfrog_training.nerve.folds import nerve_folds
from leapfrog_training.nerve.manifest import nerve_manifest
from leapfrog_training.nerve.reading import (
    NerveReading,
    answers_without_nerve,
    has_nerve,
    nerve_answers,
    read_nerves,
)
from leapfrog_training.nerve.thresholds import ManifestFor, Thresholds, Unseen, chosen_thresholds
from leapfrog_training.run.folder import SHIPPED_SEED, Run

HEADS_FOR_THRESHOLDS = 200  # training pictures of heads, evenly chosen
NERVE_SETS = (Source.USGRA, Source.KAGGLE)


class SetScores(Measured):
    """One network's scores on the held-out pictures of one set. Dice are means over pictures: `nerve` over those with a
    nerve, of all that is outlined (0 if nothing is); `mask` likewise, of the mask before a threshold decides what is
    drawn; `where_outlined` over those that have an outline; `vessel` over those with a vessel. `kaggle` is the mean
    over all pictures, where an empty one left empty counts 1, None if there is no picture without a nerve.

    `outlined` is the share of the pictures with a nerve that have an outline, `helped` of those that have a right one,
    at least half of whose area is nerve. `wrong` is the share of the outlines, in any picture, that are not right.
    """

    source: Source
    pictures: int
    patients: int
    nerve: Bounds
    mask: Bounds
    where_outlined: Bounds | None
    vessel: Bounds | None
    kaggle: Bounds | None
    outlined: Portion
    helped: Portion
    wrong: Portion | None
    empty_outlined: Portion | None


class FormScores(Measured):
    """One network in one form: on the pictures of each set, and what share of the parts without a nerve, and of fetal
    heads, it outlines a nerve in; None where there are none.
    """

    sets: tuple[SetScores, ...]
    parts: Portion | None
    heads: Portion | None

    @property
    def first(self) -> SetScores:
        """The scores on the first set: that with several regions, if it was given."""
        return self.sets[0]


class NerveSeed(Measured):
    """One seed in every form, read with the same thresholds. `int8_minus_float32` is the difference in the Dice of all
    that is outlined, on the first set, with the interval of the difference itself.
    """

    seed: int
    forms: dict[Form, FormScores]
    int8_minus_float32: Bounds
    sizes: dict[Form, int]


class NerveEvaluation(Evaluation):
    """All measurements of a run. `chosen_on` are the scores on training pictures, each read by the network of the fold
    that held it out, which chose the thresholds.
    """

    sources: tuple[Source, ...]
    training_pictures: int
    left_out: int
    thresholds: dict[str, float]
    chosen_on: FormScores
    seeds: tuple[NerveSeed, ...]
    latencies: Latencies

    @property
    def shipped(self) -> NerveSeed:
        """The seed whose network ships."""
        return self.seeds[SHIPPED_SEED]

    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package: the range of the seeds, and the shipped seed in detail."""
        shipped = self.shipped.forms[Form.INT8]
        first = shipped.first
        return {
            "validation_pictures": first.pictures,
            "validation_groups": first.patients,
            "training_pictures": self.training_pictures,
            "seeds": len(self.seeds),
            "shipped_seed": self.shipped.seed,
            "nerve_dice": [rounded(value) for value in self.of_seeds("nerve")],
            "mask_dice": [rounded(value) for value in self.of_seeds("mask")],
            "vessel_dice": [rounded(value) for value in self.of_seeds("vessel")],
            "shipped": {
                "nerve_dice": rounded(first.nerve.value),
                "nerve_dice_interval": first.nerve.rounded(),
                "mask_dice": rounded(first.mask.value),
                **_optional("dice_where_outlined", first.where_outlined),
                **_optional("vessel_dice", first.vessel),
                **_optional("kaggle", first.kaggle),
                "outlined": rounded(first.outlined.value),
                "helped": rounded(first.helped.value),
                **_optional("wrong_outlines", first.wrong),
                **_optional("nerve_free_parts_outlined", shipped.parts),
                **_optional("heads_outlined", shipped.heads),
                "int8_minus_float32": rounded(self.shipped.int8_minus_float32.value),
                "int8_bytes": self.shipped.sizes[Form.INT8],
                "float32_bytes": self.shipped.sizes[Form.FLOAT32],
            },
        }

    def of_seeds(self, score: str, form: Form = Form.INT8) -> list[float]:
        """A score on the first set by its name in `SetScores`, of each seed; without those that it is undefined for."""
        found = [getattr(seed.forms[form].first, score) for seed in self.seeds]
        return [one.value for one in found if one is not None]

    def false_of_seeds(self, kind: str, form: Form = Form.INT8) -> list[float]:
        """The share of "parts" or "heads" with a nerve outlined, of each seed."""
        found = [getattr(seed.forms[form], kind) for seed in self.seeds]
        return [one.value for one in found if one is not None]


def evaluate_nerve(run: Run, data: NerveData) -> tuple[NerveEvaluation, tuple[NerveReading, ...]]:
    """Choose the thresholds on training pictures that the folds' networks did not see, then measure each seed on the
    pictures kept out of training. Also returns these as the shipped network reads them. Raises RunError if no picture
    with a nerve was kept out.
    """
    held_out = data.in_split("test")
    if not any(picture.has_nerve for picture in held_out):
        raise RunError("no picture with a nerve was kept out of training: give more patients")
    thresholds, chosen_on = _thresholds(run, data)
    scored = [_seed_scores(run, held_out, seed, thresholds) for seed in range(run.notes.seeds)]
    evaluation = NerveEvaluation(
        sources=tuple(dict.fromkeys(picture.source for picture in data.records)),
        training_pictures=sum(picture.source in NERVE_SETS for picture in data.in_split("train")),
        left_out=len(data.problems),
        thresholds=thresholds,
        chosen_on=chosen_on,
        seeds=tuple(seed for seed, _ in scored),
        latencies=latencies(run.seed(SHIPPED_SEED)),
    )
    return evaluation, scored[SHIPPED_SEED][1]


def _thresholds(run: Run, data: NerveData) -> tuple[dict[str, float], FormScores]:
    """The thresholds, and the scores with them on the pictures on which they were chosen."""
    structures = run.notes.findings
    with ExitStack() as stack:
        answered = []
        for number, fold in enumerate(nerve_folds(data, run.notes.folds)):
            model = stack.enter_context(KioskModel(run.fold(number).float32))
            answered.append(_answered(model, _some_heads(fold.held_out, HEADS_FOR_THRESHOLDS // run.notes.folds)))
        thresholds = chosen_thresholds(structures, answered)
        scores, _ = _scores(answered, thresholds)
    return thresholds, scores


def _seed_scores(
    run: Run, held_out: Sequence[NervePicture], seed: int, thresholds: Thresholds
) -> tuple[NerveSeed, tuple[NerveReading, ...]]:
    job = run.seed(seed)
    forms: dict[Form, FormScores] = {}
    readings: dict[Form, tuple[NerveReading, ...]] = {}
    for form in Form:
        with KioskModel(file_of(job, form)) as model:
            forms[form], readings[form] = form_scores(model, held_out, thresholds)
    scores = NerveSeed(
        seed=seed,
        forms=forms,
        int8_minus_float32=_difference(readings[Form.INT8], readings[Form.FLOAT32]),
        sizes=file_sizes(job),
    )
    return scores, readings[Form.INT8]


def form_scores(
    model: KioskModel, held_out: Sequence[NervePicture], thresholds: Thresholds
) -> tuple[FormScores, tuple[NerveReading, ...]]:
    """The scores of a network on pictures that it was not trained on, and those with a nerve set's masks as it reads
    them. Raises RunError if none of a set's pictures shows a nerve.
    """
    return _scores([_answered(model, held_out)], thresholds)


def _scores(
    answered: Sequence[tuple[ManifestFor, Unseen]], thresholds: Thresholds
) -> tuple[FormScores, tuple[NerveReading, ...]]:
    """The scores of one network or several, each on pictures of its own, read with the same thresholds."""
    manifests = [(manifest_for(thresholds), one) for manifest_for, one in answered]
    readings = tuple(reading for manifest, one in manifests for reading in read_nerves(manifest, one.pictures))
    anything = dict.fromkeys(thresholds, 0.0)
    masks = [one for manifest_for, some in answered for one in read_nerves(manifest_for(anything), some.pictures)]
    scores = FormScores(
        sets=_sets(readings, masks),
        parts=portion(np.array([has_nerve(manifest, one) for manifest, some in manifests for one in some.parts])),
        heads=portion(np.array([has_nerve(manifest, one) for manifest, some in manifests for one in some.heads])),
    )
    return scores, readings


def _answered(model: KioskModel, pictures: Sequence[NervePicture]) -> tuple[ManifestFor, Unseen]:
    """What makes the network's manifest, and its answers for pictures that it was not fitted to."""
    of_sets = [picture for picture in pictures if picture.source in NERVE_SETS]
    heads = [picture for picture in pictures if picture.source is Source.HEADS]
    return partial(nerve_manifest, "0", model), Unseen(
        pictures=nerve_answers(model, of_sets),
        parts=answers_without_nerve(model, of_sets),
        heads=tuple(one.answer for one in nerve_answers(model, heads)),
    )


def _some_heads(pictures: Sequence[NervePicture], most: int) -> list[NervePicture]:
    heads = [picture for picture in pictures if picture.source is Source.HEADS]
    step = max(1, -(-len(heads) // max(most, 1)))
    return [picture for picture in pictures if picture.source is not Source.HEADS] + heads[::step]


def _sets(readings: Sequence[NerveReading], masks: Sequence[NerveReading]) -> tuple[SetScores, ...]:
    """The scores of each set; `masks` are the same pictures read without a threshold."""
    pairs = list(zip(readings, masks, strict=True))
    by_set = {source: [pair for pair in pairs if pair[0].picture.source is source] for source in NERVE_SETS}
    return tuple(_set_scores(source, some) for source, some in by_set.items() if some)


def _set_scores(source: Source, pairs: Sequence[tuple[NerveReading, NerveReading]]) -> SetScores:
    readings = [reading for reading, _ in pairs]
    draws = resample([reading.picture.patient for reading in readings])
    shows = np.array([reading.picture.has_nerve for reading in readings])
    outlined = np.array([reading.is_outlined for reading in readings])
    dice = np.array([reading.nerve.dice for reading in readings])
    nerve = _mean(draws.among(shows), dice)
    mask = _mean(draws.among(shows), np.array([mask.nerve.dice for _, mask in pairs]))
    of_nerves, helped = portion(outlined[shows]), portion(np.array([any(one.right) for one in readings])[shows])
    if nerve is None or mask is None or of_nerves is None or helped is None:
        raise RunError(f"no picture of {source} that was kept out of training shows a nerve: give more patients")
    return SetScores(
        source=source,
        pictures=len(readings),
        patients=len({reading.picture.patient for reading in readings}),
        nerve=nerve,
        mask=mask,
        where_outlined=_mean(draws.among(shows & outlined), dice),
        vessel=_vessel_scores(readings, draws),
        kaggle=_mean(draws, dice) if not shows.all() else None,
        outlined=of_nerves,
        helped=helped,
        wrong=portion(~np.array([one for reading in readings for one in reading.right], np.bool_)),
        empty_outlined=portion(outlined[~shows]),
    )


def _vessel_scores(readings: Sequence[NerveReading], draws: Resamples) -> Bounds | None:
    shows = np.array([reading.vessel is not None and reading.vessel.truth > 0 for reading in readings])
    dice = np.array([0.0 if reading.vessel is None else reading.vessel.dice for reading in readings])
    return _mean(draws.among(shows), dice)


def _difference(int8: Sequence[NerveReading], float32: Sequence[NerveReading]) -> Bounds:
    """In the Dice of pictures with a nerve, on the first set that has any."""
    source = next(source for source in NERVE_SETS if any(one.picture.source is source for one in int8))
    pairs = [
        (one, other)
        for one, other in zip(int8, float32, strict=True)
        if one.picture.source is source and one.picture.has_nerve
    ]
    draws = resample([one.picture.patient for one, _ in pairs])
    found = _mean(draws, np.array([one.nerve.dice - other.nerve.dice for one, other in pairs]))
    if found is None:
        raise RunError(f"no picture of {source} that was kept out of training shows a nerve: give more patients")
    return found


def _mean(draws: Resamples, values: np.ndarray[Any, np.dtype[np.float64]]) -> Bounds | None:
    return bounds(draws.mean(values))


def _optional(name: str, value: Bounds | Portion | None) -> Mapping[str, float]:
    return {} if value is None else {name: rounded(value.value)}
