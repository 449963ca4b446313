"""The recipe of the package chest-child: MobileNetV2 from ImageNet weights, trained on films made from two children's.

Quantization-aware training then learns the logits of the float network on such films, not the labels again.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from leapfrog_training.architectures import mobilenet_v2
from leapfrog_training.child.sides import training_sides
from leapfrog_training.datasets.children_kermany import ChildFilm, ChildrenKermany, Diagnosis
from leapfrog_training.datasets.picture_cache import cached_pictures
from leapfrog_training.films.mixing import Group, Mixing, made_up_examples
from leapfrog_training.films.network import AUGMENTATION, SIDE, following, network, weighted_loss
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.loop import Schedule, fit, save_weights, seed_everything
from leapfrog_training.fitting.pictures import Pictures
from leapfrog_training.fitting.quantize import convert_comparisons, make_int8
from leapfrog_training.fitting.resume import forget
from leapfrog_training.run.folder import Job, Run

FILMS_MADE = 8_400  # for all epochs in float together
FILMS_QUANTIZED = 2800  # in quantization-aware training: rounding needs fewer films than answers
SCHEDULE = Schedule(epochs=3, batch=16, learning_rate=1e-4, in_parts=True)
QUANTIZED_SCHEDULE = Schedule(epochs=1, batch=16, learning_rate=2e-5)
MIXING = Mixing(in_other_frame=0.6, hidden=0.25, other_grays=0.8, shrunk=0.5)
SHARES = {Diagnosis.NORMAL: 0.5, Diagnosis.BACTERIAL: 0.25, Diagnosis.VIRAL: 0.25}  # of the films made

FLOAT = "float"  # the name of the weights file after training in float


LOSS = weighted_loss(np.ones(1, np.float32))


def fit_run(run: Run, data: ChildrenKermany, imagenet: Path) -> Run:
    """Fit every seed to films made from those of the fitted children."""
    for seed in range(run.notes.seeds):
        job = run.seed(seed)
        if not job.weights(FLOAT).exists():
            seed_everything(seed)
            model = network(1)
            mobilenet_v2.load_imagenet(model, imagenet)
            fit(model, _examples(run, data, FILMS_MADE, seed), LOSS, AUGMENTATION, SCHEDULE, seed, folder=job.folder)
            save_weights(model, job.weights(FLOAT))
        forget(job.folder)
    return run.with_notes(run.notes.model_copy(update={"epochs": SCHEDULE.epochs}))


def quantize_run(run: Run, data: ChildrenKermany) -> None:
    """Make the int8 network of every seed, and those to compare it with."""
    for seed in range(run.notes.seeds):
        job, pictures = run.seed(seed), _examples(run, data, FILMS_QUANTIZED, seed).pictures
        make_int8(job, seed, partial(_aware, job, pictures, seed), pictures)
        convert_comparisons(job, partial(_trained, job), pictures)


def _examples(run: Run, data: ChildrenKermany, count: int, seed: int) -> Examples:
    fitted = training_sides(data).fitted
    pictures = cached_pictures([film.path for film in fitted], SIDE, SIDE, run.pictures, field="exposed")
    return made_up(fitted, pictures, count, seed)


def made_up(films: Sequence[ChildFilm], pictures: Pictures, count: int, seed: int) -> Examples:
    """`count` films made from `films`, whose `pictures` (n, side, side, 1) are in the same order, each with one target:
    0 healthy, 1 pneumonia, one half where the lungs are hidden.
    """
    diagnoses = np.array([film.diagnosis.value for film in films])
    groups = [Group(np.flatnonzero(diagnoses == kind), share) for kind, share in SHARES.items()]
    answers = (diagnoses != Diagnosis.NORMAL).astype(np.float32)[:, np.newaxis]
    return made_up_examples(pictures, answers, groups, MIXING, count, seed)


def _aware(job: Job, pictures: Pictures, seed: int) -> Any:
    return following(_trained(job), pictures, QUANTIZED_SCHEDULE, seed, job.quantized)


def _trained(job: Job) -> Any:
    model = network(1)
    model.load_weights(job.weights(FLOAT))
    return model
