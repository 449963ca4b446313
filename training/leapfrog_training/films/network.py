"""The network of the packages for frontal chest films, its loss, and its copy in simulated int8."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.architectures import mobilenet_v2
from leapfrog_training.fitting.augmentation import STILL, Augmentation
from leapfrog_training.fitting.equalization import equalized
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.loop import Schedule
from leapfrog_training.fitting.pictures import Pictures, predictions
from leapfrog_training.fitting.quantize import fit_quantization_aware
from leapfrog_training.keras import tf, tf_keras

# Pixels: less than any of the sets' films have, so that the size that a film came in tells nothing.
SIDE = 160
# No mirror images: the heart is on the left.
AUGMENTATION = Augmentation(rotation_degrees=5, zoom=0.15, shift=0.06, contrast=0.15, brightness=0.1, gamma=0.3)


def network(findings: int) -> Any:
    """The network without its maps: (batch, SIDE, SIDE, 1) in [-1, 1] to logits (batch, findings)."""
    with_maps = mobilenet_v2.build(findings, SIDE)
    return tf_keras.Model(with_maps.input, with_maps.outputs[0], name=with_maps.name)


def weighted_loss(of_positives: NDArray[np.float32]) -> Any:
    """Cross-entropy in which a positive of each finding counts `of_positives` (findings,) times as much as a negative.
    The targets are answers, or what is usual.
    """

    def loss(targets: Any, logits: Any) -> Any:
        return tf.reduce_mean(tf.nn.weighted_cross_entropy_with_logits(targets, logits, of_positives))

    return loss


def following(model: Any, pictures: Pictures, schedule: Schedule, seed: int, folder: Path) -> Any:
    """A copy of the float network `model` in simulated int8, trained to give its logits for `pictures`, which it sees
    exactly as `model` did. `folder` is as in `fit`.
    """
    films = pictures[:]  # made once, and not each time that they are read
    (logits,) = predictions(model, films)
    examples = Examples(films, logits)
    return fit_quantization_aware(equalized(model, films), examples, _squared_error, STILL, schedule, seed, folder)


def _squared_error(targets: Any, logits: Any) -> Any:
    return tf.reduce_mean(tf.square(targets - logits))
