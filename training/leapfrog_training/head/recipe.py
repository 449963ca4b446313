"""The recipe of the package fetal-head: a small U-Net that outlines the fetal head.

Runs on the training machine only.
"""

from pathlib import Path
from typing import Any

import numpy as np

from leapfrog_training.architectures import unet
from leapfrog_training.augmentation import Augmentation
from leapfrog_training.datasets.hc18 import HC18, HeadImage, outline
from leapfrog_training.datasets.picture_cache import cached_pictures
from leapfrog_training.fitting import Examples, Schedule, fit, save_weights, seed_everything
from leapfrog_training.head.masks import head_mask
from leapfrog_training.keras import tf
from leapfrog_training.quantize import convert_float, convert_int8, fit_quantization_aware, representative_inputs
from leapfrog_training.runs import Job, Run, write_atomically

SCHEDULE = Schedule(epochs=32, batch=16, learning_rate=2e-3)
QUANTIZED_SCHEDULE = Schedule(epochs=4, batch=16, learning_rate=2e-4)
FLOAT = "float"
AUGMENTATION = Augmentation(
    rotation_degrees=20,
    zoom=0.15,
    shift=0.06,
    contrast=0.2,
    brightness=0.15,
    flip_horizontally=True,
    flip_vertically=True,
)


def examples(images: tuple[HeadImage, ...], cache: Path) -> Examples:
    """Pictures and masks of the images, in their order; the pictures lie in the folder `cache`."""
    masks = [head_mask(outline(image), unet.MASK_HEIGHT, unet.MASK_WIDTH) for image in images]
    pictures = cached_pictures([image.path for image in images], unet.HEIGHT, unet.WIDTH, cache)
    return Examples(pictures, np.stack(masks)[..., np.newaxis])


def loss(masks: Any, logits: Any) -> Any:
    """Cross-entropy of the cells plus the soft Dice loss of each picture (Milletari et al., 3DV 2016)."""
    entropy = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=masks, logits=logits))
    mask = tf.sigmoid(logits)
    overlap = tf.reduce_sum(masks * mask, axis=[1, 2, 3])
    total = tf.reduce_sum(masks * masks + mask * mask, axis=[1, 2, 3])
    return entropy + tf.reduce_mean(1.0 - 2.0 * overlap / (total + 1.0))


def fit_run(run: Run, data: HC18) -> Run:
    """Fit every seed on the training subjects."""
    training = examples(data.in_split("train"), run.pictures)
    for seed in range(run.notes.seeds):
        weights = run.seed(seed).weights(FLOAT)
        if not weights.exists():
            seed_everything(seed)
            model = unet.build()
            fit(model, training, loss, AUGMENTATION, SCHEDULE, seed, folder=run.seed(seed).folder)
            save_weights(model, weights)
    return run.with_notes(run.notes.model_copy(update={"epochs": SCHEDULE.epochs}))


def quantize_run(run: Run, data: HC18) -> None:
    """Make the int8 network of every seed, and beside it the float one and one quantized after training."""
    training = examples(data.in_split("train"), run.pictures)
    representative = representative_inputs(training.pictures)
    for seed in range(run.notes.seeds):
        job = run.seed(seed)
        if not job.int8.exists():
            seed_everything(seed)
            aware = fit_quantization_aware(_load(job), training, loss, AUGMENTATION, QUANTIZED_SCHEDULE, seed)
            write_atomically(job.int8, convert_int8(aware, representative))
        if not job.ptq.exists():
            model = _load(job)
            write_atomically(job.float32, convert_float(model))
            write_atomically(job.ptq, convert_int8(model, representative))


def _load(job: Job) -> Any:
    model = unet.build()
    model.load_weights(job.weights(FLOAT))
    return model
