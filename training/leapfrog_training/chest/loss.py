"""What chest-findings is trained to lower. Runs on the training machine only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.keras import tf

# How much a film without any finding counts for a finding, against one with another finding. Telling normal from
# abnormal is easy, and half of the films teach little else; with less weight on them the network learns to tell one
# finding from another. Chosen by cross-validation among 1, .7, .5, .4, .3 and .1.
NORMALS_WEIGHT = 0.7
FEWEST_OTHERS = 0.2  # of the abnormal films must lack a finding, or only normal films can teach what it is not

Floats = NDArray[np.float32]


def with_weights(labels: Floats) -> Floats:
    """Labels (films, findings) with the weight of each behind them: (films, 2 findings), for `weighted_loss`."""
    is_normal = labels.sum(axis=1) == 0
    others = (labels[~is_normal] == 0).mean(axis=0) if (~is_normal).any() else np.zeros(labels.shape[1])
    weights = np.ones_like(labels)
    weights[np.ix_(is_normal, others >= FEWEST_OTHERS)] = NORMALS_WEIGHT
    return np.concatenate([labels, weights], axis=1)


def film_weights(labels: Floats) -> Floats:
    """How much each film counts for each finding, (films, findings), with the square root of a finding's rarity for the
    films that carry it.
    """
    return with_weights(labels)[:, labels.shape[1] :] * np.where(labels > 0, rarity(labels), 1.0).astype(np.float32)


def rarity(labels: Floats) -> Floats:
    """The square root of how many films lack a finding for one that carries it, (findings,)."""
    positives = labels.sum(axis=0)
    return np.asarray(np.sqrt((len(labels) - positives) / np.maximum(positives, 1.0)), dtype=np.float32)


def weighted_loss(labels: Floats) -> Any:
    """Cross-entropy in which a positive of a rare finding counts by the square root of its rarity.

    `labels` (films, findings) are those that are trained on; the loss takes targets of `with_weights`, whose first half
    may be chances instead of labels.
    """
    of_positives = tf.constant(rarity(labels))

    def loss(targets: Any, logits: Any) -> Any:
        truth, weights = tf.split(targets, 2, axis=1)
        return tf.reduce_mean(weights * tf.nn.weighted_cross_entropy_with_logits(truth, logits, of_positives))

    return loss
