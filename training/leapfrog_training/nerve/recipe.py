"""The recipe of the package nerve: a U-Net from ImageNet weights that outlines nerves, and vessels beside them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from leapfrog_training.architectures import mobile_unet, mobilenet_v2
from leapfrog_training.datasets.nerve_picture import NerveData, NervePicture
from leapfrog_training.files import write_whole
from leapfrog_training.fitting.augmentation import Augmentation
from leapfrog_training.fitting.devices import in_float32
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.loop import Schedule, fit, save_weights, seed_everything
from leapfrog_training.fitting.pictures import predictions
from leapfrog_training.fitting.quantize import convert_comparisons, convert_float, fit_quantization_aware, make_int8
from leapfrog_training.fitting.resume import forget
from leapfrog_training.keras import tf
from leapfrog_training.nerve.examples import examples
from leapfrog_training.nerve.folds import nerve_folds
from leapfrog_training.nerve.loss import loss
from leapfrog_training.nerve.size import HEIGHT, WIDTH
from leapfrog_training.run.folder import Job, Run

FLOAT = "float"  # the name of the weights file after training in float
SCHEDULE = Schedule(epochs=5, batch=16, learning_rate=1e-3)  # an epoch has each picture many times, cut in other ways
QUANTIZED_SCHEDULE = Schedule(epochs=1, batch=16, learning_rate=3e-5)
QUANTIZED_EXAMPLES = 500  # evenly chosen: the float network's answers are followed closely after that many
# The first layers see edges and speckle, for which ImageNet's are good; training them as well takes half as long again.
FROZEN = ("stem_", "block0_", "block1_", "block2_")
# Mirrored, a left side looks like a right one. Never upside down: the skin is at the top.
AUGMENTATION = Augmentation(
    rotation_degrees=15,
    zoom=0.25,
    shift=0.1,
    contrast=0.3,
    brightness=0.15,
    gamma=0.4,
    shading=0.5,
    erased=0.12,
    stretch=0.25,
    speckle=0.2,
    flip_horizontally=True,
)
AS_THEY_ARE = Augmentation(rotation_degrees=0, zoom=0, shift=0, contrast=0, brightness=0)
FOLLOWED_SPAN = 4.0  # logits further from 0 than about this need not be followed: the cell is inside, or it is not


def fit_run(run: Run, data: NerveData, imagenet: Path) -> Run:
    """Fit a network to each fold of the training patients, for the thresholds, and then those of all seeds."""
    for number, fold in enumerate(nerve_folds(data, run.notes.folds)):
        job = run.fold(number)
        _fit(job, fold.fitted, imagenet, run.notes.findings, seed=number)
        if not job.float32.exists():
            write_whole(job.float32, convert_float(_trained(job, run.notes.findings)))
    for seed in range(run.notes.seeds):
        _fit(run.seed(seed), data.in_split("train"), imagenet, run.notes.findings, seed)
    return run.with_notes(run.notes.model_copy(update={"epochs": SCHEDULE.epochs}))


def quantize_run(run: Run, data: NerveData) -> None:
    """Make the int8 network of every seed, which is trained to answer as its own float network does, and those to
    compare it with.
    """
    structures = run.notes.findings
    for seed in range(run.notes.seeds):
        job, training = run.seed(seed), examples(data.in_split("train"), seed)
        make_int8(job, seed, partial(_aware, job, training, structures, seed), training.pictures)
        convert_comparisons(job, partial(_trained, job, structures), training.pictures)


def follow(answers: Any, logits: Any) -> Any:
    """How far logits are from the float network's `answers`, where that decides what is drawn."""
    return tf.reduce_mean((tf.tanh(logits / FOLLOWED_SPAN) - tf.tanh(answers / FOLLOWED_SPAN)) ** 2)


def _fit(job: Job, pictures: Sequence[NervePicture], imagenet: Path, structures: Sequence[str], seed: int) -> None:
    if not job.weights(FLOAT).exists():
        seed_everything(seed)
        model = mobile_unet.build(len(structures), HEIGHT, WIDTH)
        mobilenet_v2.load_imagenet(model, imagenet)
        for layer in model.layers:
            layer.trainable = not layer.name.startswith(FROZEN)
        fit(model, examples(pictures, seed), loss, AUGMENTATION, SCHEDULE, seed, folder=job.folder)
        save_weights(model, job.weights(FLOAT))
    forget(job.folder)


def _trained(job: Job, structures: Sequence[str]) -> Any:
    """The float network of a job, its batch norms folded into the convolutions before them."""
    with in_float32():
        model = mobile_unet.build(len(structures), HEIGHT, WIDTH)
        model.load_weights(job.weights(FLOAT))
        return mobile_unet.folded(model)


def _aware(job: Job, training: Examples, structures: Sequence[str], seed: int) -> Any:
    model = _trained(job, structures)
    some = training.at(np.linspace(0, len(training) - 1, min(QUANTIZED_EXAMPLES, len(training))).astype(np.intp))
    taught = Examples(some.pictures, predictions(model, some.pictures)[0])
    return fit_quantization_aware(model, taught, follow, AS_THEY_ARE, QUANTIZED_SCHEDULE, seed, job.quantized)
