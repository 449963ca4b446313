"""The recipe of the package fetal-head: a U-Net that outlines the fetal head, from ImageNet weights."""

from pathlib import Path

import numpy as np

from leapfrog_training.architectures import mobile_unet
from leapfrog_training.datasets.hc18 import HC18, HeadImage, head_mask, outline
from leapfrog_training.datasets.picture_cache import cached_pictures
from leapfrog_training.fitting.augmentation import Augmentation
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.loop import Schedule
from leapfrog_training.fitting.segmenters import fit_seeds, quantize_seeds
from leapfrog_training.run.folder import Run

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
    """Fit every seed on the training subjects."""
    return fit_seeds(run, imagenet, examples(data.in_split("train"), run.pictures), AUGMENTATION, SCHEDULE)


def quantize_run(run: Run, data: HC18) -> None:
    """Make the int8 network of every seed, and those to compare it with."""
    quantize_seeds(run, examples(data.in_split("train"), run.pictures), AUGMENTATION, QUANTIZED_SCHEDULE)
