"""The recipe of the package fetal-head: a U-Net that outlines the fetal head, from ImageNet weights."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from leapfrog_training.architectures import mobile_unet, mobilenet_v2
from leapfrog_training.datasets.hc18 import HC18, HeadImage, head_mask, outline
from leapfrog_training.datasets.picture_cache import cached_pictures
from leapfrog_training.fitting.augmentation import Augmentation
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.loop import Schedule, fit, save_weights, seed_everything
from leapfrog_training.fitting.quantize import convert_comparisons, fit_quantization_aware, make_int8
from leapfrog_training.fitting.resume import forget
from leapfrog_training.head.loss import loss
from leapfrog_training.run.folder import Job, Run

FLOAT = "float"  # the name of the weights file after training in float
SCHEDULE = Schedule(epochs=36, batch=16, learning_rate=1e-3)
QUANTIZED_SCHEDULE = Schedule(epochs=4, batch=16, learning_rate=3e-5)
AUGMENTATION = Augmentation(
    rotation_degrees=20,
    zoom=0.2,
    shift=0.08,
    contrast=0.25,
    brightness=0.15,
    gamma=0.25,
    shading=0.3,
    erased=0.12,
    flip_horizontally=True,
    flip_vertically=True,
)


def examples(images: tuple[HeadImage, ...], cache: Path) -> Examples:
    """Pictures and masks of the images, in order; the pictures are in the folder `cache`."""
    masks = [head_mask(outline(image), mobile_unet.MASK_HEIGHT, mobile_unet.MASK_WIDTH) for image in images]
    pictures = cached_pictures([image.path for image in images], mobile_unet.HEIGHT, mobile_unet.WIDTH, cache)
    return Examples(pictures, np.stack(masks)[..., np.newaxis])


def fit_run(run: Run, data: HC18, imagenet: Path) -> Run:
    """Fit the float network of every seed on the training subjects, from the ImageNet weights of Coral's file."""
    training = examples(data.in_split("train"), run.pictures)
    for seed in range(run.notes.seeds):
        job = run.seed(seed)
        if not job.weights(FLOAT).exists():
            seed_everything(seed)
            model = mobile_unet.build()
            mobilenet_v2.load_imagenet(model, imagenet)
            fit(model, training, loss, AUGMENTATION, SCHEDULE, seed, folder=job.folder)
            save_weights(model, job.weights(FLOAT))
        forget(job.folder)
    return run.with_notes(run.notes.model_copy(update={"epochs": SCHEDULE.epochs}))


def quantize_run(run: Run, data: HC18) -> None:
    """Make the int8 network of every seed, and beside it the float one and one quantized after training."""
    training = examples(data.in_split("train"), run.pictures)
    for seed in range(run.notes.seeds):
        job = run.seed(seed)
        make_int8(job, seed, partial(_aware, job, training, seed), training.pictures)
        convert_comparisons(job, partial(_trained, job), training.pictures)


def _aware(job: Job, training: Examples, seed: int) -> Any:
    return fit_quantization_aware(_trained(job), training, loss, AUGMENTATION, QUANTIZED_SCHEDULE, seed, job.quantized)


def _trained(job: Job) -> Any:
    model = mobile_unet.build()
    model.load_weights(job.weights(FLOAT))
    return model
