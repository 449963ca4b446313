"""The recipe of the package brachial-plexus: a U-Net from ImageNet weights that outlines a nerve where it sees one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from leapfrog_training.architectures import mobile_unet
from leapfrog_training.datasets.images import cells
from leapfrog_training.datasets.nerve import Nerve, NerveImage, nerve_mask
from leapfrog_training.datasets.picture_cache import cached_pictures
from leapfrog_training.fitting.augmentation import Augmentation
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.loop import EarlyStopping, Schedule
from leapfrog_training.fitting.pictures import predictions
from leapfrog_training.fitting.segmenters import fit_seeds, loss, quantize_seeds
from leapfrog_training.keras import tf
from leapfrog_training.nerve.sides import training_sides
from leapfrog_training.run.folder import Run

SCHEDULE = Schedule(epochs=40, batch=16, learning_rate=1e-3)
QUANTIZED_SCHEDULE = Schedule(epochs=3, batch=16, learning_rate=2e-4)
PATIENCE = 8  # epochs
# Mirrored, a left side looks like a right one. Never upside down: the skin is at the top.
AUGMENTATION = Augmentation(
    rotation_degrees=10, zoom=0.12, shift=0.06, contrast=0.2, brightness=0.15, flip_horizontally=True
)


def examples(images: tuple[NerveImage, ...], cache: Path) -> Examples:
    """Pictures and masks of the images, in order; the pictures are in the folder `cache`. Without a nerve, the mask is
    empty.
    """
    masks = [cells(nerve_mask(image), mobile_unet.MASK_HEIGHT, mobile_unet.MASK_WIDTH) for image in images]
    pictures = cached_pictures([image.path for image in images], mobile_unet.HEIGHT, mobile_unet.WIDTH, cache)
    return Examples(pictures, np.stack(masks)[..., np.newaxis])


def fit_run(run: Run, data: Nerve, imagenet: Path) -> Run:
    """Fit every seed, until it no longer improves on the held-out training patients."""
    sides = training_sides(data)
    stopping = EarlyStopping(_held_out_score(examples(sides.held_out, run.pictures)), PATIENCE)
    return fit_seeds(run, imagenet, examples(sides.fitted, run.pictures), AUGMENTATION, SCHEDULE, stopping)


def quantize_run(run: Run, data: Nerve) -> None:
    """Make the int8 network of every seed, and those to compare it with."""
    quantize_seeds(run, examples(training_sides(data).fitted, run.pictures), AUGMENTATION, QUANTIZED_SCHEDULE)


def _held_out_score(held_out: Examples) -> Callable[[Any], float]:
    """The negative loss on the held-out examples, as a score. The Kaggle metric would reward outlining nothing."""

    def score(model: Any) -> float:
        return -float(loss(tf.constant(held_out.targets), tf.constant(predictions(model, held_out.pictures)[0])))

    return score
