"""What a run of fetal-head is worth on the validation subjects, once a seed. Runs on the training machine only."""

import math
from typing import Any

import numpy as np

from leapfrog_training.datasets.hc18 import HC18
from leapfrog_training.datasets.splits import Split
from leapfrog_training.evaluate import FileSizes, HeadReading, HeadScores, Measured, file_sizes, head_scores, read_head
from leapfrog_training.kiosk import KioskModel
from leapfrog_training.manifests import head_manifest
from leapfrog_training.runs import Run

SHIPPED_SEED = 0  # named beforehand, not chosen by its score on the validation subjects
TRUSTED_SHARE = 0.99  # of the training pictures score above the threshold
THRESHOLD_STEP = 0.05


class HeadSeed(Measured):
    """One seed as the kiosk reads it, and its other forms for comparison."""

    seed: int
    threshold: float
    scores: HeadScores
    float32: HeadScores
    ptq: HeadScores
    sizes: FileSizes


class HeadEvaluation(Measured):
    """All that was measured in a run."""

    training_pictures: int
    validation_pictures: int
    left_out: int
    seeds: tuple[HeadSeed, ...]

    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package: the mean over the seeds with its spread, and the shipped seed in detail."""
        overlaps = [seed.scores.dice.value for seed in self.seeds]
        errors = [seed.scores.absolute_error_mm.value for seed in self.seeds]
        shipped = self.seeds[SHIPPED_SEED]
        scores = shipped.scores
        return {
            "validation_pictures": self.validation_pictures,
            "training_pictures": self.training_pictures,
            "seeds": len(self.seeds),
            "shipped_seed": shipped.seed,
            "dice": _rounded(np.mean(overlaps)),
            "dice_lowest_seed": _rounded(np.min(overlaps)),
            "dice_highest_seed": _rounded(np.max(overlaps)),
            "absolute_error_mm": _rounded(np.mean(errors)),
            "absolute_error_mm_lowest_seed": _rounded(np.min(errors)),
            "absolute_error_mm_highest_seed": _rounded(np.max(errors)),
            "shipped": {
                "dice": _rounded(scores.dice.value),
                "dice_interval": [_rounded(scores.dice.low), _rounded(scores.dice.high)],
                "dice_float32": _rounded(shipped.float32.dice.value),
                "dice_quantized_after_training": _rounded(shipped.ptq.dice.value),
                "absolute_error_mm": _rounded(scores.absolute_error_mm.value),
                "absolute_error_mm_interval": [
                    _rounded(scores.absolute_error_mm.low),
                    _rounded(scores.absolute_error_mm.high),
                ],
                "median_absolute_error_mm": _rounded(scores.median_absolute_error_mm),
                "percentile_95_absolute_error_mm": _rounded(scores.percentile_95_absolute_error_mm),
                "mean_error_mm": _rounded(scores.mean_error_mm),
                "not_measured": scores.not_measured,
                "int8_bytes": shipped.sizes.int8,
                "float32_bytes": shipped.sizes.float32,
            },
        }


def evaluate_head(run: Run, data: HC18) -> HeadEvaluation:
    """Choose each seed's threshold on the training pictures, then measure it on the validation subjects."""
    return HeadEvaluation(
        training_pictures=len(data.in_split("train")),
        validation_pictures=len(data.in_split("test")),
        left_out=len(data.problems),
        seeds=tuple(_seed_scores(run, data, seed) for seed in range(run.notes.seeds)),
    )


def trusted_threshold(readings: tuple[HeadReading, ...]) -> float:
    """The score that TRUSTED_SHARE of the training pictures reach, rounded down: below it an outline is unlike any
    that the network drew in training.
    """
    lowest = float(np.quantile([reading.score for reading in readings], 1 - TRUSTED_SHARE))
    return round(math.floor(lowest / THRESHOLD_STEP) * THRESHOLD_STEP, 2)


def _seed_scores(run: Run, data: HC18, seed: int) -> HeadSeed:
    job = run.seed(seed)
    shipped = KioskModel(job.int8)
    training = _readings(shipped, data, "train", threshold=0.0)
    threshold = trusted_threshold(training)
    validation = data.in_split("test")

    def scores_of(model: KioskModel) -> HeadScores:
        return head_scores(_readings(model, data, "test", threshold), validation)

    return HeadSeed(
        seed=seed,
        threshold=threshold,
        scores=scores_of(shipped),
        float32=scores_of(KioskModel(job.float32)),
        ptq=scores_of(KioskModel(job.ptq)),
        sizes=file_sizes(job),
    )


def _readings(model: KioskModel, data: HC18, split: Split, threshold: float) -> tuple[HeadReading, ...]:
    manifest = head_manifest("0", model, threshold)
    return tuple(read_head(manifest, model, image) for image in data.in_split(split))


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
