"""DenseNet-121 (Huang et al., CVPR 2017) for one-channel films: the classifier of the paper that Leapfrog follows.

A baseline for comparing size and speed. Its batch norm comes before each convolution, so it cannot be folded into it;
the converter turns it into a MUL and an ADD, which the Edge TPU can run. The head is as in `mobilenet_v2.py`: a map for
each finding, whose mean is the finding's logit.
"""

from typing import Any

from leapfrog_training.keras import tf_keras

SIDE = 224  # pixels
BLOCKS = (6, 12, 24, 16)  # layers in each dense block
GROWTH = 32  # maps that each layer adds
STEM_FILTERS = 64


def build(findings: int, blocks: tuple[int, ...] = BLOCKS) -> Any:
    """The network: (batch, 224, 224, 1) in [-1, 1] to logits (batch, findings) and maps (batch, 7, 7, findings).

    `blocks` are the layers of each block; fewer make a smaller network of the same kind.
    """
    layers = tf_keras.layers
    image = layers.Input((SIDE, SIDE, 1), name="image")
    x = layers.Conv2D(STEM_FILTERS, 7, strides=2, padding="same", use_bias=False, name="stem_conv")(image)
    x = _normalized(x, "stem")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(x)
    for number, count in enumerate(blocks):
        for layer in range(count):
            x = _dense_layer(x, name=f"block{number}_layer{layer}")
        if number + 1 < len(blocks):
            x = layers.Conv2D(x.shape[-1] // 2, 1, use_bias=False, name=f"transition{number}_conv")(
                _normalized(x, f"transition{number}")
            )
            x = layers.AveragePooling2D(name=f"transition{number}_pool")(x)
    heatmap = layers.Conv2D(findings, 1, name="heatmap")(_normalized(x, "features"))
    logits = layers.GlobalAveragePooling2D(name="logits")(heatmap)
    return tf_keras.Model(image, [logits, heatmap], name="densenet")


def _dense_layer(x: Any, name: str) -> Any:
    layers = tf_keras.layers
    y = layers.Conv2D(4 * GROWTH, 1, use_bias=False, name=f"{name}_narrow_conv")(_normalized(x, f"{name}_narrow"))
    y = layers.Conv2D(GROWTH, 3, padding="same", use_bias=False, name=f"{name}_conv")(_normalized(y, name))
    return layers.Concatenate(name=f"{name}_join")([x, y])


def _normalized(x: Any, name: str) -> Any:
    x = tf_keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return tf_keras.layers.ReLU(6.0, name=f"{name}_relu")(x)
