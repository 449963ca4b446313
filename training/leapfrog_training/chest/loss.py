"""The loss that chest-findings is trained with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.keras import tf

Floats = NDArray[np.float32]


def rarity(labels: Floats) -> Floats:
    """The square root of the number of films without a finding per film with it, (findings,)."""
    positives = labels.sum(axis=0)
    return np.asarray(np.sqrt((len(labels) - positives) / np.maximum(positives, 1.0)), dtype=np.float32)


def film_weights(labels: Floats) -> Floats:
    """How much each film counts for each finding, (films, findings), as in `weighted_loss`."""
    return np.where(labels > 0, rarity(labels), 1.0).astype(np.float32)


def weighted_loss(labels: Floats) -> Any:
    """Cross-entropy in which positives of rare findings count more, by `rarity`.

    `labels` (films, findings) are those of the training films. The targets of the loss are labels or probabilities.
    """
    of_positives = tf.constant(rarity(labels))

    def loss(targets: Any, logits: Any) -> Any:
        return tf.reduce_mean(tf.nn.weighted_cross_entropy_with_logits(targets, logits, of_positives))

    return loss
