"""What a run of brachial-plexus is worth on patients held out for the end. Runs on the training machine only."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.datasets.nerve import Nerve
from leapfrog_training.errors import RunError
from leapfrog_training.evaluate import Bounds, FileSizes, FormLatencies, Measured, file_sizes, form_latencies
from leapfrog_training.figures import draw_histogram
from leapfrog_training.kiosk import KioskModel
from leapfrog_training.nerve.reading import NerveReading, read_nerves
from leapfrog_training.nerve.sides import training_sides
from leapfrog_training.runs import SHIPPED_SEED, Run
from leapfrog_training.scores import Overlaps, bootstrap, overlaps_of

THRESHOLDS = np.round(np.arange(0.5, 0.96, 0.05), 2)
DICE_FIGURE = "dice.png"


class NerveScores(Measured):
    """One network on the held-out patients, as `scores.Overlaps` has them: Dice within the reported outlines at the
    picture's own size. `kaggle` counts a picture 1 where neither the kiosk nor the annotator saw a nerve.
    """

    kaggle: Bounds
    not_empty: Bounds
    empty_left_empty: float


class NerveSeed(Measured):
    """One seed as the kiosk reads it, and its other forms for comparison."""

    seed: int
    threshold: float
    scores: NerveScores
    float32: NerveScores
    ptq: NerveScores
    sizes: FileSizes


class NerveEvaluation(Measured):
    """All that was measured in a run. `nothing_anywhere` is the Kaggle metric of a network that never sees a nerve."""

    training_pictures: int
    held_out_pictures: int
    held_out_patients: int
    nothing_anywhere: float
    left_out: int
    latency: FormLatencies
    seeds: tuple[NerveSeed, ...]

    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package: the mean over the seeds, and the shipped seed in detail."""
        shipped = self.seeds[SHIPPED_SEED]
        return {
            "validation_pictures": self.held_out_pictures,
            "training_pictures": self.training_pictures,
            "seeds": len(self.seeds),
            "shipped_seed": shipped.seed,
            "kaggle": round(float(np.mean([seed.scores.kaggle.value for seed in self.seeds])), 4),
            "kaggle_of_nothing": round(self.nothing_anywhere, 4),
            "dice_not_empty": round(float(np.mean([seed.scores.not_empty.value for seed in self.seeds])), 4),
            "shipped": {
                "kaggle": round(shipped.scores.kaggle.value, 4),
                "dice_not_empty": round(shipped.scores.not_empty.value, 4),
                "dice_not_empty_float32": round(shipped.float32.not_empty.value, 4),
                "dice_not_empty_quantized_after_training": round(shipped.ptq.not_empty.value, 4),
                "empty_left_empty": round(shipped.scores.empty_left_empty, 4),
                "int8_bytes": shipped.sizes.int8,
                "float32_bytes": shipped.sizes.float32,
            },
        }


def evaluate_nerve(run: Run, data: Nerve) -> NerveEvaluation:
    """Choose each seed's threshold on training patients that it was not fitted on, then measure it on the patients held
    out for the end. The figure of the card is drawn into `figures/`. Raises RunError when those patients' pictures are
    all with a nerve or all without one.
    """
    held_out = data.in_split("test")
    with_nerve = sum(image.has_nerve for image in held_out)
    if with_nerve in (0, len(held_out)):
        raise RunError(
            f"{with_nerve} of {len(held_out)} held-out pictures show a nerve, so that half of what is measured has no "
            "example: give more patients"
        )
    return NerveEvaluation(
        training_pictures=len(data.in_split("train")),
        held_out_pictures=len(held_out),
        held_out_patients=len({image.patient for image in held_out}),
        nothing_anywhere=1 - with_nerve / len(held_out),
        left_out=len(data.problems),
        latency=form_latencies(run.seed(SHIPPED_SEED)),
        seeds=tuple(_seed_scores(run, data, seed) for seed in range(run.notes.seeds)),
    )


def best_threshold(readings: Sequence[NerveReading]) -> float:
    """The lowest threshold with the best mean Dice, empty pictures left empty counting 1 (the Kaggle metric)."""
    means = [float(np.mean([reading.dice_at(threshold) for reading in readings])) for threshold in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(means))])


def _seed_scores(run: Run, data: Nerve, seed: int) -> NerveSeed:
    job = run.seed(seed)
    shipped = KioskModel(job.int8)
    threshold = best_threshold(read_nerves(shipped, training_sides(data).held_out, threshold=0.0))
    held_out = data.in_split("test")
    readings = read_nerves(shipped, held_out, threshold)
    if seed == SHIPPED_SEED:
        drawn = [reading.dice for reading in readings if reading.image.has_nerve]
        draw_histogram(run.figures / DICE_FIGURE, drawn, "Dice where a nerve was drawn", "pictures")
    return NerveSeed(
        seed=seed,
        threshold=threshold,
        scores=_scores(readings),
        float32=_scores(read_nerves(KioskModel(job.float32), held_out, threshold)),
        ptq=_scores(read_nerves(KioskModel(job.ptq), held_out, threshold)),
        sizes=file_sizes(job),
    )


def _scores(readings: Sequence[NerveReading]) -> NerveScores:
    values = np.array([reading.dice for reading in readings])
    drawn = np.array([reading.image.has_nerve for reading in readings])
    patients = [reading.image.patient for reading in readings]

    def of(chosen: NDArray[np.intp]) -> Overlaps:
        return overlaps_of(values[chosen], drawn[chosen])

    kaggle = bootstrap(patients, lambda chosen: of(chosen).kaggle)
    not_empty = bootstrap(patients, lambda chosen: of(chosen).not_empty)
    return NerveScores(
        kaggle=Bounds(value=kaggle.value, low=kaggle.low, high=kaggle.high),
        not_empty=Bounds(value=not_empty.value, low=not_empty.low, high=not_empty.high),
        empty_left_empty=of(np.arange(len(readings))).empty_left_empty,
    )
