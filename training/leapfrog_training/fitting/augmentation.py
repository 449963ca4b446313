"""Random changes of training pictures, the same for a picture and its mask."""

import math
from dataclasses import dataclass
from typing import Any

from leapfrog_training.keras import tf

COLOUR_DRAWS = 100  # the number of the first draw for colours; lower ones are for movements


@dataclass(frozen=True)
class Augmentation:
    """How much pictures are changed: each value is the largest change in either direction, drawn evenly per picture."""

    rotation_degrees: float
    zoom: float
    shift: float  # of the picture's width
    contrast: float
    brightness: float  # on the scale of -1 to 1
    gamma: float = 0.0  # on the logarithm of the exponent: brightens or darkens the middle grays
    shading: float = 0.0  # on the logarithm of a gain that changes from left to right and from top to bottom
    erased: float = 0.0  # of the picture's width: half a side of a black rectangle in every fourth (Zhong et al., 2020)
    stretch: float = 0.0  # on the logarithm of width to height
    speckle: float = 0.0  # standard deviation of the logarithm of a gain that changes from spot to spot
    flip_horizontally: bool = False
    flip_vertically: bool = False

    def transforms(self, count: Any, chance: Any) -> Any:
        """`count` random affine maps (count, 6): a, b, c, d and the shift in x and y as fractions of the width.

        `chance`, two int32, is the seed: the same value gives the same maps.
        """
        drawn = _Draws(chance, count)
        angle = drawn.evenly(self.rotation_degrees * math.pi / 180)
        scale = 1.0 / (1.0 + drawn.evenly(self.zoom))
        mirror_x = drawn.sign() if self.flip_horizontally else tf.ones([count])
        mirror_y = drawn.sign() if self.flip_vertically else tf.ones([count])
        cosine, sine = scale * tf.cos(angle), scale * tf.sin(angle)
        shift_x, shift_y = drawn.evenly(self.shift), drawn.evenly(self.shift)
        wide = tf.exp(drawn.evenly(self.stretch) / 2) if self.stretch else tf.ones([count])
        columns = [cosine * mirror_x * wide, -sine * mirror_y / wide, sine * mirror_x * wide, cosine * mirror_y / wide]
        return tf.stack([*columns, shift_x, shift_y], axis=1)

    def recolour(self, pictures: Any, chance: Any) -> Any:
        """Other grays for pictures (count, rows, columns, 1) of -1 to 1, kept within that range: contrast, brightness,
        gamma, shading, speckle, and rectangles erased. `chance` as above.
        """
        drawn = _Draws(chance, tf.shape(pictures)[0], first=COLOUR_DRAWS)
        pictures = pictures * (1.0 + drawn.per_picture(self.contrast)) + drawn.per_picture(self.brightness)
        if self.gamma or self.shading:
            light = tf.clip_by_value(pictures, -1.0, 1.0) / 2 + 0.5
            light **= tf.exp(drawn.per_picture(self.gamma))
            x, y = _coordinates(pictures)
            light *= tf.exp(drawn.per_picture(self.shading) * x + drawn.per_picture(self.shading) * y)
            pictures = 2 * light - 1
        if self.speckle:
            pictures = (tf.clip_by_value(pictures, -1.0, 1.0) + 1.0) * self._speckle(pictures, drawn) - 1.0
        if self.erased:
            pictures = tf.where(self._rectangles(pictures, drawn), -1.0, pictures)
        return tf.clip_by_value(pictures, -1.0, 1.0)

    def _speckle(self, pictures: Any, drawn: "_Draws") -> Any:
        """A gain for each pixel: of each picture its own strength, in spots of two pixels."""
        _, rows, columns, _ = pictures.shape
        noise = drawn.normally([rows // 2, columns // 2, 1])
        strength = tf.abs(drawn.per_picture(self.speckle))
        return tf.exp(strength * tf.image.resize(noise, [rows, columns]))

    def _rectangles(self, pictures: Any, drawn: "_Draws") -> Any:
        """Where a picture is to be black: as if by a shadow, a label or the end of the scanned sector."""
        x, y = _coordinates(pictures)
        middle_x, middle_y = drawn.per_picture(1.0), drawn.per_picture(1.0)
        # Half of the draws are below 0, and no rectangle is seen unless both are above: in every fourth picture.
        half_width, half_height = drawn.per_picture(2 * self.erased), drawn.per_picture(2 * self.erased)
        aspect = pictures.shape[2] / pictures.shape[1]
        return (tf.abs(x - middle_x) < half_width) & (tf.abs(y - middle_y) < half_height * aspect)


STILL = Augmentation(rotation_degrees=0, zoom=0, shift=0, contrast=0, brightness=0)  # changes nothing


def _coordinates(pictures: Any) -> tuple[Any, Any]:
    """Of each column and row, -1 to 1, shaped to go with pictures (count, rows, columns, channels)."""
    _, rows, columns, _ = pictures.shape
    x, y = tf.linspace(-1.0, 1.0, columns), tf.linspace(-1.0, 1.0, rows)
    return tf.reshape(x, [1, 1, -1, 1]), tf.reshape(y, [1, -1, 1, 1])


def move(pictures: Any, transforms: Any, fill: float) -> Any:
    """Apply affine maps of `Augmentation.transforms` to float pictures (count, rows, columns, channels).

    The maps turn about the middle and do not depend on the size, so one map moves a picture and its smaller mask alike.
    Pixels from outside the picture become `fill`.
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


class _Draws:
    """Random draws of `count` values each, determined by `chance` and by the order of the draws."""

    def __init__(self, chance: Any, count: Any, first: int = 0) -> None:
        self._chance, self._count, self._number = chance, count, first

    def evenly(self, largest: float) -> Any:
        self._number += 1
        seed = tf.random.experimental.stateless_fold_in(self._chance, self._number)
        return tf.random.stateless_uniform([self._count], seed, -largest, largest)

    def per_picture(self, largest: float) -> Any:
        """As `evenly`, shaped to go with pictures (count, rows, columns, channels)."""
        return tf.reshape(self.evenly(largest), [-1, 1, 1, 1])

    def normally(self, shape: list[int]) -> Any:
        """Values (count, *shape) of a standard normal distribution."""
        self._number += 1
        seed = tf.random.experimental.stateless_fold_in(self._chance, self._number)
        return tf.random.stateless_normal([self._count, *shape], seed)

    def sign(self) -> Any:
        return tf.where(self.evenly(1.0) < 0, -1.0, 1.0)
