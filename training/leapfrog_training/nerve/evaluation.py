"""Evaluates a run of brachial-plexus on the patients held out for the final measurement."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from leapfrog.evaluation.masks import MaskScores, mask_scores
from leapfrog.evaluation.measured import rounded
from leapfrog.evaluation.scores import Resamples, resample
from leapfrog_training.datasets.nerve import Nerve
from leapfrog_training.errors import RunError
from leapfrog_training.evaluate.forms import Form, file_of, file_sizes
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.latency import Latencies, latencies
from leapfrog_training.evaluate.measured import Evaluation, Measured
from leapfrog_training.nerve.reading import NerveReading, read_nerves
from leapfrog_training.nerve.sides import training_sides
from leapfrog_training.run.folder import SHIPPED_SEED, Run

THRESHOLDS = np.round(np.arange(0.5, 0.96, 0.05), 2)


class NerveSeed(Measured):
    """One seed in every form, read with the int8 network's threshold. `empty_left_empty` is the share of the pictures
    without a nerve in which the shipped form outlines nothing.
    """

    seed: int
    threshold: float
    forms: dict[Form, MaskScores]
    empty_left_empty: float
    sizes: dict[Form, int]


class NerveEvaluation(Evaluation):
    """All measurements of a run. `nothing_anywhere` is the Kaggle metric of a network that never outlines anything."""

    training_pictures: int
    held_out_pictures: int
    held_out_patients: int
    nothing_anywhere: float
    left_out: int
    seeds: tuple[NerveSeed, ...]
    latencies: Latencies

    @property
    def shipped(self) -> NerveSeed:
        """The seed whose network ships."""
        return self.seeds[SHIPPED_SEED]

    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package: the mean over the seeds, and the shipped seed in detail."""
        shipped = self.shipped.forms
        return {
            "validation_pictures": self.held_out_pictures,
            "training_pictures": self.training_pictures,
            "seeds": len(self.seeds),
            "shipped_seed": self.shipped.seed,
            "kaggle": rounded(np.mean([seed.forms[Form.INT8].kaggle.value for seed in self.seeds])),
            "kaggle_of_nothing": rounded(self.nothing_anywhere),
            "shipped": {
                "kaggle": rounded(shipped[Form.INT8].kaggle.value),
                "dice_not_empty": _dice_of_nerves(shipped[Form.INT8]),
                "dice_not_empty_float32": _dice_of_nerves(shipped[Form.FLOAT32]),
                "dice_not_empty_quantized_after_training": _dice_of_nerves(shipped[Form.PTQ]),
                "empty_left_empty": rounded(self.shipped.empty_left_empty),
                "int8_bytes": self.shipped.sizes[Form.INT8],
                "float32_bytes": self.shipped.sizes[Form.FLOAT32],
            },
        }


def evaluate_nerve(run: Run, data: Nerve) -> tuple[NerveEvaluation, tuple[NerveReading, ...]]:
    """Choose each seed's threshold on training patients that it was not fitted to, then measure it on the patients held
    out for the final measurement. Also returns the shipped network's readings of their pictures. Raises RunError if all
    of these show a nerve, or none does.
    """
    held_out = data.in_split("test")
    with_nerve = sum(image.has_nerve for image in held_out)
    if with_nerve in (0, len(held_out)):
        raise RunError(
            f"{with_nerve} of {len(held_out)} held-out pictures show a nerve, but pictures with and without one are "
            "needed: give more patients"
        )
    draws = resample([image.patient for image in held_out])
    scored = [_seed_scores(run, data, seed, draws) for seed in range(run.notes.seeds)]
    evaluation = NerveEvaluation(
        training_pictures=len(data.in_split("train")),
        held_out_pictures=len(held_out),
        held_out_patients=len({image.patient for image in held_out}),
        nothing_anywhere=1 - with_nerve / len(held_out),
        left_out=len(data.problems),
        seeds=tuple(seed for seed, _ in scored),
        latencies=latencies(run.seed(SHIPPED_SEED)),
    )
    return evaluation, scored[SHIPPED_SEED][1]


def best_threshold(readings: Sequence[NerveReading]) -> float:
    """The lowest threshold with the best mean Dice, where empty pictures left empty count 1 (the Kaggle metric)."""
    means = [float(np.mean([reading.dice_at(threshold) for reading in readings])) for threshold in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(means))])


def _seed_scores(run: Run, data: Nerve, seed: int, draws: Resamples) -> tuple[NerveSeed, tuple[NerveReading, ...]]:
    job, held_out = run.seed(seed), data.in_split("test")
    with KioskModel(file_of(job, Form.INT8)) as model:
        threshold = best_threshold(read_nerves(model, training_sides(data).held_out, threshold=0.0))
    read = {}
    for form in Form:
        with KioskModel(file_of(job, form)) as model:
            read[form] = read_nerves(model, held_out, threshold)
    of_empty = [not reading.outlined for reading in read[Form.INT8] if not reading.image.has_nerve]
    scores = NerveSeed(
        seed=seed,
        threshold=threshold,
        forms={form: mask_scores([one.overlap for one in readings], draws) for form, readings in read.items()},
        empty_left_empty=float(np.mean(of_empty)),
        sizes=file_sizes(job),
    )
    return scores, read[Form.INT8]


def _dice_of_nerves(scores: MaskScores) -> float:
    return rounded(scores.non_empty.value) if scores.non_empty is not None else 0.0
