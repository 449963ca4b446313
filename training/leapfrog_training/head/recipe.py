"""The recipe of the package fetal-head: a small U-Net that outlines the fetal head.

Runs on the training machine only.
"""

from pathlib import Path

import numpy as np

from leapfrog_training.architectures import unet
from leapfrog_training.augmentation import Augmentation
from leapfrog_training.datasets.hc18 import HC18, HeadImage, outline
from leapfrog_training.datasets.picture_cache import cached_pictures
from leapfrog_training.fitting import Examples, Schedule, fit, save_weights, seed_everything
from leapfrog_training.head.masks import head_mask
from leapfrog_training.runs import Run
from leapfrog_training.segmenters import FLOAT, loss, quantize_seeds

SCHEDULE = Schedule(epochs=32, batch=16, learning_rate=2e-3)
QUANTIZED_SCHEDULE = Schedule(epochs=4, batch=16, learning_rate=2e-4)
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
    """The int8 network of every seed, with those to compare it with."""
    quantize_seeds(run, examples(data.in_split("train"), run.pictures), AUGMENTATION, QUANTIZED_SCHEDULE)
