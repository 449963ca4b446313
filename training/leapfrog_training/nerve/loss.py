"""The loss of the nerve networks."""

from typing import Any

from leapfrog_training.keras import tf

SMOOTHING = 16.0  # cells: what is outlined in a picture without a nerve costs something, however little it is


def loss(targets: Any, logits: Any) -> Any:
    """Cross-entropy of the cells plus the soft Dice loss (Milletari et al., 3DV 2016), of each structure alone.

    `targets` (pictures, rows, columns, 3) are nerve, vessel, and above 0 in pictures in which a vessel would have been
    drawn: in others the vessels' mask costs nothing. `logits` have one channel where only nerves are learned, or two.
    """
    structures = logits.shape[-1]
    tells = tf.reduce_max(targets[..., 2], axis=[1, 2])
    counts = tf.stack([tf.ones_like(tells), tf.cast(tells > 0, tf.float32)][:structures], axis=1)
    masks, mask = targets[..., :structures], tf.sigmoid(logits)
    entropy = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=masks, logits=logits), axis=[1, 2])
    overlap = tf.reduce_sum(masks * mask, axis=[1, 2])
    total = tf.reduce_sum(masks * masks + mask * mask, axis=[1, 2])
    dice = (2.0 * overlap + SMOOTHING) / (total + SMOOTHING)
    return tf.reduce_mean(counts * (entropy + 1.0 - dice))
