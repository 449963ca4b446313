"""What chest-findings is trained to lower."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.keras import tf

Floats = NDArray[np.float32]


def rarity(labels: Floats) -> Floats:
    """The square root of how many films lack a finding for one that carries it, (findings,)."""
    positives = labels.sum(axis=0)
    return np.asarray(np.sqrt((len(labels) - positives) / np.maximum(positives, 1.0)), dtype=np.float32)


def film_weights(labels: Floats) -> Floats:
    """How much each film counts for each finding, (films, findings): as `weighted_loss` counts it."""
    return np.where(labels > 0, rarity(labels), 1.0).astype(np.float32)


def weighted_loss(labels: Floats) -> Any:
    """Cross-entropy in which a positive of a rare finding counts by the square root of its rarity.

    `labels` (films, findings) are those that are trained on; the loss takes them, or chances, as targets.
    """
    of_positives = tf.constant(rarity(labels))

    def loss(targets: Any, logits: Any) -> Any:
        return tf.reduce_mean(tf.nn.weighted_cross_entropy_with_logits(targets, logits, of_positives))

    return loss
