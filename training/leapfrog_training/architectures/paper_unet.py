"""The plain U-Net (Ronneberger et al., MICCAI 2015) of the paper that Leapfrog follows: 80 x 112 pixels, 32-512 maps.

A baseline for comparing size and speed.
"""

from typing import Any

from leapfrog_training.keras import tf_keras

HEIGHT, WIDTH = 80, 112  # pixels
FILTERS = (32, 64, 128, 256, 512)


def build(filters: tuple[int, ...] = FILTERS) -> Any:
    """The network: (batch, 80, 112, 1) in [-1, 1] to the logits of the mask (batch, 80, 112, 1)."""
    layers = tf_keras.layers
    image = layers.Input((HEIGHT, WIDTH, 1), name="image")
    x, skips = image, []
    for level, count in enumerate(filters):
        if level:
            skips.append(x)
            x = layers.MaxPooling2D(name=f"pool{level}")(x)
        x = _pair(x, count, name=f"down{level}")
    for level in reversed(range(len(filters) - 1)):
        # Without an activation: it would be fused into a TRANSPOSE_CONV version 4, which the compiler refuses.
        x = layers.Conv2DTranspose(filters[level], 2, strides=2, name=f"up{level}")(x)
        x = _pair(layers.Concatenate(name=f"join{level}")([x, skips[level]]), filters[level], name=f"up{level}")
    return tf_keras.Model(image, layers.Conv2D(1, 1, name="logits")(x), name="paper_unet")


def _pair(x: Any, filters: int, name: str) -> Any:
    for half in "ab":
        x = tf_keras.layers.Conv2D(filters, 3, padding="same", name=f"{name}{half}_conv")(x)
        x = tf_keras.layers.ReLU(6.0, name=f"{name}{half}_relu")(x)
    return x
