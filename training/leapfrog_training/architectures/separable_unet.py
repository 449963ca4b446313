"""A U-Net of depthwise-separable convolutions (Howard et al., 2017): an eighth of the multiplications of a plain one.

Each 3 x 3 convolution is split into one per channel and one across channels. For any size and number of maps; otherwise
as `unet.py`, with which it shares the upsampling that the Edge TPU takes. Runs on the training machine only.
"""

from typing import Any

from leapfrog_training.architectures.unet import NearestUpsampling
from leapfrog_training.keras import tf_keras


def build(height: int, width: int, filters: tuple[int, ...]) -> Any:
    """The network: (batch, height, width, 1) in [-1, 1] to the logits of the mask at half that size.

    `height` and `width` must divide by two to the power of the number of `filters`.
    """
    layers = tf_keras.layers
    image = layers.Input((height, width, 1), name="image")
    x = layers.Conv2D(filters[0], 3, strides=2, padding="same", use_bias=False, name="stem_conv")(image)
    x, skips = _normalized(x, "stem"), []
    for level, count in enumerate(filters):
        if level:
            skips.append(x)
            x = layers.MaxPooling2D(name=f"pool{level}")(x)
        x = _separable(_separable(x, count, f"down{level}a"), count, f"down{level}b")
    for level in reversed(range(len(filters) - 1)):
        x = layers.Conv2D(filters[level], 1, use_bias=False, name=f"narrow{level}_conv")(x)
        x = NearestUpsampling(name=f"upsample{level}")(_normalized(x, f"narrow{level}"))
        x = layers.Concatenate(name=f"join{level}")([x, skips[level]])
        x = _separable(_separable(x, filters[level], f"up{level}a"), filters[level], f"up{level}b")
    return tf_keras.Model(image, layers.Conv2D(1, 1, name="logits")(x), name="separable_unet")


def _separable(x: Any, filters: int, name: str) -> Any:
    layers = tf_keras.layers
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_conv")(_normalized(x, f"{name}_depthwise"))
    return _normalized(x, name)


def _normalized(x: Any, name: str) -> Any:
    x = tf_keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return tf_keras.layers.ReLU(6.0, name=f"{name}_relu")(x)
