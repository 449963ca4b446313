"""What the int8 networks of a run are worth, measured through the kiosk's own reading of pictures and outputs.

Runs on the training machine only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict

from leapfrog.reading.classification import classify
from leapfrog.reading.package import Manifest
from leapfrog.reading.segmentation import Segmentation, main_part, model_area, segment
from leapfrog_training.chest.films import abnormal, truth
from leapfrog_training.datasets.chestxray14 import Film
from leapfrog_training.datasets.hc18 import HeadImage, filled_outline, outline
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.errors import RunError
from leapfrog_training.kiosk import KioskModel
from leapfrog_training.runs import Job
from leapfrog_training.scores import Interval, auroc, bootstrap, dice, operating_point
from leapfrog_training.speed import Latency, latencies, machine

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]


class Measured(BaseModel):
    """A set of measured values; what is written to `evaluation.json` and from there to the package."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Bounds(Measured):
    """A value with its 95 % bootstrap interval over patients."""

    value: float
    low: float
    high: float


class FindingScores(Measured):
    """One finding on the validation films. `within_abnormal` is the AUROC among films that carry any label; None
    where all of those carry this one.
    """

    label: str
    positives: int
    auroc: Bounds
    within_abnormal: float | None
    sensitivity: float
    specificity: float


class ChestScores(Measured):
    """One network on the validation films; `mean_auroc` is over the findings."""

    mean_auroc: Bounds
    mean_within_abnormal: float
    findings: tuple[FindingScores, ...]


class HeadScores(Measured):
    """One network on the validation subjects. Dice is against the filled outline, at the picture's own size; errors
    of the head circumference are in mm, over the pictures in which the kiosk gives one.
    """

    dice: Bounds
    absolute_error_mm: Bounds
    median_absolute_error_mm: float
    percentile_95_absolute_error_mm: float
    mean_error_mm: float
    pictures: int
    not_measured: int


class FileSizes(Measured):
    """Sizes of the same network in bytes."""

    float32: int
    ptq: int
    int8: int


class FormLatencies(Measured):
    """How fast the same network is in each form on the machine that measured it."""

    machine: str
    float32: tuple[Latency, ...]
    ptq: tuple[Latency, ...]
    int8: tuple[Latency, ...]


@dataclass(frozen=True)
class HeadAnswer:
    """A picture with a network's real outputs for it, in the model's order."""

    image: HeadImage
    outputs: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class HeadReading:
    """What the kiosk makes of one picture: the error of its head circumference in mm, None when it gives none."""

    score: float
    dice: float
    error_mm: float | None


def file_sizes(job: Job) -> FileSizes:
    """Sizes of a seed's three files."""
    return FileSizes(float32=job.float32.stat().st_size, ptq=job.ptq.stat().st_size, int8=job.int8.stat().st_size)


def form_latencies(job: Job) -> FormLatencies:
    """Measure a seed's three files."""
    return FormLatencies(
        machine=machine(), float32=latencies(job.float32), ptq=latencies(job.ptq), int8=latencies(job.int8)
    )


def raw_scores(model: KioskModel, films: Sequence[Film]) -> Scores:
    """The model's own scores (films, findings), before calibration."""
    index = model.output_of_rank(2)
    return np.stack([model.run(read_gray(film.path))[index][0] for film in films]).astype(np.float64)


def kiosk_scores(manifest: Manifest, model: KioskModel, films: Sequence[Film]) -> Scores:
    """The scores that the kiosk would report (films, findings)."""
    readings = [classify(manifest, model.run(read_gray(film.path))) for film in films]
    return np.array([[finding.score for finding in reading.findings] for reading in readings])


def heat_maps(model: KioskModel, films: Sequence[Film]) -> NDArray[np.float32]:
    """The model's maps (films, rows, columns, findings)."""
    index = model.output_of_rank(4)
    return np.stack([model.run(read_gray(film.path))[index][0] for film in films])


def heat_map_agreement(maps: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """Mean correlation of two networks' maps (films, rows, columns, findings), over films and findings.

    A map that is the same everywhere agrees with nothing: it counts 0.
    """
    one, other = (np.moveaxis(stack, -1, 1).reshape(-1, stack.shape[1] * stack.shape[2]) for stack in (maps, others))
    one, other = (stack - stack.mean(axis=1, keepdims=True) for stack in (one, other))
    norms = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    products = (one * other).sum(axis=1)
    return float(np.mean(np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)))


def mean_auroc(labels: Labels, scores: Scores) -> float:
    """The mean over the findings."""
    return float(np.mean([auroc(labels[:, k], scores[:, k]) for k in range(labels.shape[1])]))


def within_abnormal(labels: Labels, any_label: Labels, scores: Scores) -> tuple[float | None, ...]:
    """AUROC of each finding among the films that carry any label; None where it cannot be told.

    A film without pneumonia is nearly always normal in the shared subset, so the plain score mostly tells normal from
    abnormal; this one does not.
    """
    values = [auroc(labels[any_label, k], scores[any_label, k]) for k in range(labels.shape[1])]
    return tuple(None if np.isnan(value) else value for value in values)


def chest_scores(manifest: Manifest, scores: Scores, films: Sequence[Film], labels: tuple[str, ...]) -> ChestScores:
    """Measure what the kiosk reports against the films' labels."""
    carried = truth(films, labels)
    patients = [film.patient for film in films]
    among_abnormal = within_abnormal(carried, abnormal(films), scores)
    findings = []
    for k, (label, rule) in enumerate(zip(labels, manifest.finding, strict=True)):
        positive, column = carried[:, k], scores[:, k]
        point = operating_point(positive, column >= rule.threshold)
        findings.append(
            FindingScores(
                label=label,
                positives=int(positive.sum()),
                auroc=_bounds(bootstrap(patients, partial(_auroc_at, positive, column))),
                within_abnormal=among_abnormal[k],
                sensitivity=point.sensitivity,
                specificity=point.specificity,
            )
        )
    told = [value for value in among_abnormal if value is not None]
    return ChestScores(
        mean_auroc=_bounds(bootstrap(patients, lambda chosen: mean_auroc(carried[chosen], scores[chosen]))),
        mean_within_abnormal=float(np.mean(told)) if told else float("nan"),
        findings=tuple(findings),
    )


def read_head(manifest: Manifest, answer: HeadAnswer) -> HeadReading:
    """Read a network's answer as the kiosk does and compare it with the picture's outline and circumference."""
    image = answer.image
    line = outline(image)
    rows, columns = line.shape
    area = model_area((0, 0, columns, rows), (rows, columns), manifest.input.width / manifest.input.height)
    spacing_mm = (image.pixel_size_mm, image.pixel_size_mm)
    reading: Segmentation = segment(manifest, answer.outputs, area, spacing_mm)
    measurement = reading.finding.measurement
    return HeadReading(
        score=reading.finding.score,
        dice=dice(_mask_of_picture(answer.outputs[manifest.outputs.mask or 0], rows, columns), filled_outline(line)),
        error_mm=None if measurement is None else measurement.value - image.head_circumference_mm,
    )


def head_scores(readings: Sequence[HeadReading], images: Sequence[HeadImage]) -> HeadScores:
    """Measure what the kiosk reads against the outlines and circumferences. Raises RunError when none was measured."""
    overlaps = np.array([reading.dice for reading in readings])
    errors = np.array([np.nan if reading.error_mm is None else reading.error_mm for reading in readings])
    subjects = [image.patient for image in images]
    known = np.abs(errors[~np.isnan(errors)])
    if len(known) == 0:
        raise RunError(f"the network outlines no head in any of {len(readings)} pictures: it has learnt nothing")
    return HeadScores(
        dice=_bounds(bootstrap(subjects, lambda chosen: float(overlaps[chosen].mean()))),
        absolute_error_mm=_bounds(bootstrap(subjects, lambda chosen: float(np.nanmean(np.abs(errors[chosen]))))),
        median_absolute_error_mm=float(np.median(known)),
        percentile_95_absolute_error_mm=float(np.percentile(known, 95)),
        mean_error_mm=float(np.nanmean(errors)),
        pictures=len(readings),
        not_measured=int(np.isnan(errors).sum()),
    )


def _auroc_at(positive: Labels, scores: Scores, chosen: NDArray[np.intp]) -> float:
    return auroc(positive[chosen], scores[chosen])


def _mask_of_picture(mask: NDArray[np.float32], rows: int, columns: int) -> Labels:
    """The mask of the kiosk's contour at the picture's size: its largest part, enlarged, at one half."""
    enlarged = Image.fromarray(main_part(mask[0, :, :, 0])).resize((columns, rows), Image.Resampling.BILINEAR)
    return np.asarray(enlarged) >= 0.5


def _bounds(interval: Interval) -> Bounds:
    return Bounds(value=interval.value, low=interval.low, high=interval.high)
