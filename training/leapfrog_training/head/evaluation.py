"""Evaluates a run of fetal-head on the validation subjects, once for each seed."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from leapfrog.evaluation.masks import MaskScores, mask_scores
from leapfrog.evaluation.measured import Bounds, rounded
from leapfrog.evaluation.scores import Resamples, bounds, resample
from leapfrog.packages.manifest import Manifest
from leapfrog.packages.measurement_rule import LARGEST_CORRECTION, LARGEST_STRETCH
from leapfrog_training.datasets.hc18 import HC18
from leapfrog_training.errors import RunError
from leapfrog_training.evaluate.forms import Form, file_of, file_sizes
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.latency import Latencies, latencies
from leapfrog_training.evaluate.measured import Evaluation, Measured
from leapfrog_training.head.cutting import cut_heads
from leapfrog_training.head.manifest import NO_CORRECTION, Line, head_manifest
from leapfrog_training.head.reading import HeadAnswer, HeadReading, error_mm, head_answers, kiosk_finding, read_head
from leapfrog_training.run.folder import SHIPPED_SEED, Run

TRUSTED_SHARE = 0.99  # of the training pictures score above the threshold
THRESHOLD_STEP = 0.05
LEVELS = np.arange(0.5, 0.7, 0.01)
CUT_OF = 3  # validation pictures, one is cut on every side
FEWEST_PAIRS = 30  # for a line
BIAS_PICTURES = 200  # so many training pictures, evenly chosen, give the bias to within 0.2 mm

Readings = tuple[HeadReading, ...]


class HeadScores(Measured):
    """One network's scores on the validation subjects. `dice` is that of the ellipse that the kiosk draws, as in HC18's
    own challenge, `masks` that of the network's masks. Both are means over the pictures, each of which shows a head, at
    the picture's own size. Errors of the head circumference are in mm, over the pictures that the kiosk measures.
    """

    dice: Bounds
    masks: MaskScores
    absolute_error_mm: Bounds
    median_absolute_error_mm: float
    percentile_95_absolute_error_mm: float
    mean_error_mm: float
    standard_deviation_mm: float
    not_measured: int


class HeadSeed(Measured):
    """One seed in every form, read with the same threshold and level. `int8_minus_float32` is the difference in Dice,
    with the interval of the difference itself.
    """

    seed: int
    threshold: float
    level: float
    offset_mm: float
    slope: float
    forms: dict[Form, HeadScores]
    int8_minus_float32: Bounds
    cut_pictures: int
    cut_measured: int
    sizes: dict[Form, int]


class HeadEvaluation(Evaluation):
    """All measurements of a run."""

    training_pictures: int
    validation_pictures: int
    validation_subjects: int
    left_out: int
    seeds: tuple[HeadSeed, ...]
    latencies: Latencies

    @property
    def shipped(self) -> HeadSeed:
        """The seed whose network ships."""
        return self.seeds[SHIPPED_SEED]

    def dices(self, form: Form) -> list[float]:
        """The Dice of each seed."""
        return [seed.forms[form].dice.value for seed in self.seeds]

    def mask_dices(self, form: Form) -> list[float]:
        """The Dice of the masks themselves, of each seed."""
        return [seed.forms[form].masks.kaggle.value for seed in self.seeds]

    def absolute_errors_mm(self, form: Form) -> list[float]:
        """The mean absolute error of each seed."""
        return [seed.forms[form].absolute_error_mm.value for seed in self.seeds]

    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package: the mean over the seeds with its spread, and the shipped seed in detail."""
        overlaps, errors = self.dices(Form.INT8), self.absolute_errors_mm(Form.INT8)
        shipped = self.shipped
        scores = shipped.forms[Form.INT8]
        return {
            "validation_pictures": self.validation_pictures,
            "training_pictures": self.training_pictures,
            "seeds": len(self.seeds),
            "shipped_seed": shipped.seed,
            "dice": rounded(np.mean(overlaps)),
            "dice_lowest_seed": rounded(np.min(overlaps)),
            "dice_highest_seed": rounded(np.max(overlaps)),
            "mask_dice": rounded(np.mean(self.mask_dices(Form.INT8))),
            "absolute_error_mm": rounded(np.mean(errors)),
            "absolute_error_mm_lowest_seed": rounded(np.min(errors)),
            "absolute_error_mm_highest_seed": rounded(np.max(errors)),
            "shipped": {
                "dice": rounded(scores.dice.value),
                "dice_interval": scores.dice.rounded(),
                "dice_float32": rounded(shipped.forms[Form.FLOAT32].dice.value),
                "dice_quantized_after_training": rounded(shipped.forms[Form.PTQ].dice.value),
                "int8_minus_float32": rounded(shipped.int8_minus_float32.value),
                "int8_minus_float32_interval": shipped.int8_minus_float32.rounded(),
                "absolute_error_mm": rounded(scores.absolute_error_mm.value),
                "absolute_error_mm_interval": scores.absolute_error_mm.rounded(),
                "median_absolute_error_mm": rounded(scores.median_absolute_error_mm),
                "percentile_95_absolute_error_mm": rounded(scores.percentile_95_absolute_error_mm),
                "mean_error_mm": rounded(scores.mean_error_mm),
                "not_measured": scores.not_measured,
                "cut_heads": shipped.cut_pictures,
                "cut_heads_measured": shipped.cut_measured,
                "int8_bytes": shipped.sizes[Form.INT8],
                "float32_bytes": shipped.sizes[Form.FLOAT32],
            },
        }


def evaluate_head(run: Run, data: HC18) -> tuple[HeadEvaluation, dict[Form, Readings]]:
    """Choose each seed's threshold and level on the training pictures, then measure it on the validation subjects.

    Also returns the validation pictures as the shipped seed reads them in each form, for drawing. Raises RunError if a
    network is missing or has learnt nothing.
    """
    validation = data.in_split("test")
    subjects = [image.patient for image in validation]
    draws = resample(subjects)
    scored = [_seed_scores(run, data, seed, draws) for seed in range(run.notes.seeds)]
    evaluation = HeadEvaluation(
        training_pictures=len(data.in_split("train")),
        validation_pictures=len(validation),
        validation_subjects=len(set(subjects)),
        left_out=len(data.problems),
        seeds=tuple(scores for scores, _ in scored),
        latencies=latencies(run.seed(SHIPPED_SEED)),
    )
    return evaluation, scored[SHIPPED_SEED][1]


def head_scores(readings: Sequence[HeadReading], draws: Resamples) -> HeadScores:
    """Compare the kiosk's readings with the outlines and circumferences; `draws` are over the pictures' subjects.

    Raises RunError if no picture was measured.
    """
    errors = np.array([np.nan if reading.error_mm is None else reading.error_mm for reading in readings])
    known = errors[~np.isnan(errors)]
    absolute = bounds(draws.mean(np.abs(errors)))
    dice = bounds(draws.mean(np.array([reading.overlap.dice for reading in readings])))
    if absolute is None or dice is None:
        raise RunError(f"the network outlines no head in {len(readings)} pictures: it has learnt nothing")
    return HeadScores(
        dice=dice,
        masks=mask_scores([reading.mask_overlap for reading in readings], draws),
        absolute_error_mm=absolute,
        median_absolute_error_mm=float(np.median(np.abs(known))),
        percentile_95_absolute_error_mm=float(np.percentile(np.abs(known), 95)),
        mean_error_mm=float(known.mean()),
        standard_deviation_mm=float(known.std(ddof=1)) if len(known) > 1 else 0.0,
        not_measured=int(np.isnan(errors).sum()),
    )


def trusted_threshold(manifest: Manifest, training: Sequence[HeadAnswer]) -> float:
    """The score that TRUSTED_SHARE of the training pictures reach, rounded down: an outline with a lower score is
    unlike those that the network draws for training pictures. `manifest` has the level of the measurement.
    """
    scores = [kiosk_finding(manifest, answer).score for answer in training]
    lowest = float(np.quantile(scores, 1 - TRUSTED_SHARE))
    return round(math.floor(lowest / THRESHOLD_STEP) * THRESHOLD_STEP, 2)


def unbiased_level(model: KioskModel, training: Sequence[HeadAnswer]) -> float:
    """The level at which the head circumference of the training pictures is right on average.

    HC18's outlines are about a third of a pixel away from the ellipse whose circumference its table states: at one
    half, even perfect masks of the drawn heads measure 0.65 mm too much. A higher level makes each outline smaller, so
    the level without bias is found by binary search.
    """

    @cache
    def bias_mm(index: int) -> float:
        manifest = head_manifest("0", model, 0.0, float(LEVELS[index]))
        errors = [error_mm(kiosk_finding(manifest, answer), answer.image) for answer in training]
        known = [error for error in errors if error is not None]
        return float(np.mean(known)) if known else -math.inf

    first_too_small = bisect_left(range(len(LEVELS)), 0.0, key=lambda index: -bias_mm(index))
    beside = [index for index in (first_too_small - 1, first_too_small) if 0 <= index < len(LEVELS)]
    return round(float(LEVELS[min(beside, key=lambda index: abs(bias_mm(index)))]), 2)


def unbiased_line(manifest: Manifest, training: Sequence[HeadAnswer]) -> Line:
    """The straight line, by least squares, from what is measured on the training pictures to their true circumference:
    a level alone leaves large heads short and small ones long. `manifest` has level and threshold, and no correction.
    Raises RunError if it corrects more than a package may.
    """
    pairs = [
        (finding.measurement.value, answer.image.head_circumference_mm)
        for answer in training
        if (finding := kiosk_finding(manifest, answer)).measurement is not None
    ]
    if len(pairs) < FEWEST_PAIRS:
        return NO_CORRECTION
    measured, true = np.array(pairs).T
    slope, offset = np.polyfit(measured, true, 1)
    line = Line(round(float(offset), 3), round(float(slope), 4))
    if abs(line.offset_mm) > LARGEST_CORRECTION or not 1 - LARGEST_STRETCH <= line.slope <= 1 + LARGEST_STRETCH:
        raise RunError(
            f"the network's heads would have to be corrected by {line.offset_mm:+g} mm and a factor of {line.slope:g},"
            f" and a package may correct {LARGEST_CORRECTION:g} mm and {LARGEST_STRETCH:.0%}: the network has not"
            " learnt to outline heads, so train it again, for longer or with more pictures"
        )
    return line


def _seed_scores(run: Run, data: HC18, seed: int, draws: Resamples) -> tuple[HeadSeed, dict[Form, Readings]]:
    job = run.seed(seed)
    with KioskModel(file_of(job, Form.INT8)) as model:
        training = head_answers(model, data.in_split("train"))
        some = training[:: max(1, len(training) // BIAS_PICTURES)]
        level = unbiased_level(model, some)
        threshold = trusted_threshold(head_manifest("0", model, 0.0, level), training)
        line = unbiased_line(head_manifest("0", model, threshold, level), some)
        manifest = head_manifest("0", model, threshold, level, line)
    read: dict[Form, Readings] = {}
    for form in Form:
        with KioskModel(file_of(job, form)) as model:
            answers = head_answers(model, data.in_split("test"))
        read[form] = tuple(read_head(manifest, answer) for answer in answers)
    with KioskModel(file_of(job, Form.INT8)) as model:
        cut = cut_heads(model, manifest, data.in_split("test")[::CUT_OF])
    difference = bounds(_dice_draws(read, Form.INT8, draws) - _dice_draws(read, Form.FLOAT32, draws))
    if difference is None:
        raise RunError(f"{job.folder}: there is no validation picture to measure on")
    scores = HeadSeed(
        seed=seed,
        threshold=threshold,
        level=level,
        offset_mm=line.offset_mm,
        slope=line.slope,
        forms={form: head_scores(readings, draws) for form, readings in read.items()},
        int8_minus_float32=difference,
        cut_pictures=cut.pictures,
        cut_measured=cut.measured,
        sizes=file_sizes(job),
    )
    return scores, read


def _dice_draws(read: Mapping[Form, Readings], form: Form, draws: Resamples) -> Any:
    return draws.mean(np.array([reading.overlap.dice for reading in read[form]]))
