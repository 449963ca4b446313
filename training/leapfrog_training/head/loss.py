"""The loss of the networks of fetal-head."""

from typing import Any

from leapfrog_training.keras import tf


def loss(masks: Any, logits: Any) -> Any:
    """Cross-entropy of the cells plus the soft Dice loss of each picture (Milletari et al., 3DV 2016)."""
    entropy = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=masks, logits=logits))
    mask = tf.sigmoid(logits)
    overlap = tf.reduce_sum(masks * mask, axis=[1, 2, 3])
    total = tf.reduce_sum(masks * masks + mask * mask, axis=[1, 2, 3])
    return entropy + tf.reduce_mean(1.0 - 2.0 * overlap / (total + 1.0))
