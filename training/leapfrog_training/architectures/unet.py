"""A small U-Net (Ronneberger et al., MICCAI 2015) for pictures of 128 x 192: one mask at half that size.

A striding stem keeps the large activations away from the Edge TPU; the kiosk enlarges the mask. Upsampling is by
nearest neighbour as of TensorFlow 1, which becomes RESIZE_NEAREST_NEIGHBOR version 2: version 3, which Keras makes,
is refused by the Edge TPU compiler. Runs on the training machine only.
"""

from typing import Any

from leapfrog_training.keras import tf, tf_keras, tfmot

HEIGHT, WIDTH = 128, 192  # pixels
MASK_HEIGHT, MASK_WIDTH = 64, 96  # pixels
FILTERS = (16, 32, 48, 64)  # per level, from 64 x 96 down to 8 x 12


@tf_keras.utils.register_keras_serializable("leapfrog")
class NearestUpsampling(tf_keras.layers.Layer):  # type: ignore[misc]
    """Twice the rows and columns, each value repeated."""

    def call(self, inputs: Any) -> Any:
        """(batch, rows, columns, channels) to (batch, 2 rows, 2 columns, channels)."""
        return tf.compat.v1.image.resize_nearest_neighbor(inputs, [2 * inputs.shape[1], 2 * inputs.shape[2]])


@tf_keras.utils.register_keras_serializable("leapfrog")
class PassRangeThrough(tfmot.quantization.keras.QuantizeConfig):  # type: ignore[misc]
    """Quantization of a layer that only moves values: it keeps the range of what it is given."""

    def get_weights_and_quantizers(self, layer: Any) -> list[Any]:
        """No weights."""
        return []

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
        """No activation."""
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        """Nothing to set."""

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        """Nothing to set."""

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        """None: the range of the input holds."""
        return []

    def get_config(self) -> dict[str, Any]:
        """Nothing to keep."""
        return {}


def build() -> Any:
    """The network: (batch, 128, 192, 1) in [-1, 1] to the logits of the mask (batch, 64, 96, 1)."""
    layers = tf_keras.layers
    image = layers.Input((HEIGHT, WIDTH, 1), name="image")
    x = _convolution(image, FILTERS[0], stride=2, name="stem")
    skips = []
    for level, filters in enumerate(FILTERS):
        if level:
            skips.append(x)
            x = layers.MaxPooling2D(name=f"pool{level}")(x)
        x = _pair(x, filters, name=f"down{level}")
    for level in reversed(range(len(FILTERS) - 1)):
        x = _convolution(x, FILTERS[level], kernel=1, name=f"narrow{level}")
        x = NearestUpsampling(name=f"upsample{level}")(x)
        x = layers.Concatenate(name=f"join{level}")([x, skips[level]])
        x = _pair(x, FILTERS[level], name=f"up{level}")
    return tf_keras.Model(image, layers.Conv2D(1, 1, name="logits")(x), name="unet")


def _pair(x: Any, filters: int, name: str) -> Any:
    return _convolution(_convolution(x, filters, name=f"{name}a"), filters, name=f"{name}b")


def _convolution(x: Any, filters: int, *, kernel: int = 3, stride: int = 1, name: str) -> Any:
    layers = tf_keras.layers
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)
