"""Upsampling that the Edge TPU can run, and its quantization.

TensorFlow 1's nearest neighbour becomes RESIZE_NEAREST_NEIGHBOR version 2. Keras' own layer makes version 3, which the
Edge TPU compiler refuses.
"""

from typing import Any

from leapfrog_training.keras import tf, tf_keras, tfmot


@tf_keras.utils.register_keras_serializable("leapfrog")
class NearestUpsampling(tf_keras.layers.Layer):  # type: ignore[misc]
    """Twice the rows and columns, each value repeated."""

    def call(self, inputs: Any) -> Any:
        """(batch, rows, columns, channels) to (batch, 2 rows, 2 columns, channels)."""
        return tf.compat.v1.image.resize_nearest_neighbor(inputs, [2 * inputs.shape[1], 2 * inputs.shape[2]])


@tf_keras.utils.register_keras_serializable("leapfrog")
class PassRangeThrough(tfmot.quantization.keras.QuantizeConfig):  # type: ignore[misc]
    """Quantization of a layer that only moves values: the output has the range of the input."""

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
        """None: the output has the range of the input."""
        return []

    def get_config(self) -> dict[str, Any]:
        """Nothing to keep."""
        return {}
