"""Random changes of training pictures, the same for a picture and its mask. Runs on the training machine only."""

import math
from dataclasses import dataclass
from typing import Any

from leapfrog_training.keras import tf


@dataclass(frozen=True)
class Augmentation:
    """How far pictures are changed: each value is the largest change to either side, drawn evenly per picture."""

    rotation_degrees: float
    zoom: float
    shift: float  # of the picture's width
    contrast: float
    brightness: float  # on the scale of -1 to 1
    flip_horizontally: bool = False
    flip_vertically: bool = False

    def transforms(self, count: int) -> Any:
        """`count` random affine maps (count, 6): a, b, c, d and the shift in x and y as fractions of the width."""
        angle = _evenly(count, self.rotation_degrees * math.pi / 180)
        scale = 1.0 / (1.0 + _evenly(count, self.zoom))
        mirror_x = _sign(count) if self.flip_horizontally else tf.ones([count])
        mirror_y = _sign(count) if self.flip_vertically else tf.ones([count])
        cosine, sine = scale * tf.cos(angle), scale * tf.sin(angle)
        columns = [cosine * mirror_x, -sine * mirror_y, sine * mirror_x, cosine * mirror_y]
        return tf.stack([*columns, _evenly(count, self.shift), _evenly(count, self.shift)], axis=1)

    def recolour(self, pictures: Any) -> Any:
        """Other contrast and brightness for pictures of -1 to 1, kept within that range."""
        count = tf.shape(pictures)[0]
        gain = tf.reshape(1.0 + _evenly(count, self.contrast), [-1, 1, 1, 1])
        offset = tf.reshape(_evenly(count, self.brightness), [-1, 1, 1, 1])
        return tf.clip_by_value(pictures * gain + offset, -1.0, 1.0)


def move(pictures: Any, transforms: Any, fill: float) -> Any:
    """Apply affine maps of `Augmentation.transforms` to float pictures (count, rows, columns, channels).

    The maps turn about the middle and are free of scale, so one map moves a picture and its smaller mask alike. What
    comes from outside the picture is `fill`.
    """
    rows, columns = pictures.shape[1], pictures.shape[2]
    middle_x, middle_y = (columns - 1) / 2, (rows - 1) / 2
    a, b, c, d, shift_x, shift_y = tf.unstack(transforms, axis=1)
    x = middle_x + shift_x * columns - a * middle_x - b * middle_y
    y = middle_y + shift_y * columns - c * middle_x - d * middle_y
    zeros = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=tf.stack([a, b, x, c, d, y, zeros, zeros], axis=1),
        output_shape=[rows, columns],
        fill_value=fill,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def _evenly(count: Any, largest: float) -> Any:
    return tf.random.uniform([count], -largest, largest)


def _sign(count: Any) -> Any:
    return tf.where(tf.random.uniform([count]) < 0.5, -1.0, 1.0)
