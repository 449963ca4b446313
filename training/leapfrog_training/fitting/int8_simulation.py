"""A network in simulated int8: weights and activations rounded in training as the int8 file will round them.

TensorFlow's own scheme rounds no weight of a convolution whose ReLU is a layer of its own without a batch norm between
them, and treats a depthwise kernel as one channel. In a network with folded batch norms, such as MobileNetV2 with
ImageNet weights, two thirds of the convolutions were so trained as if they stayed exact, and the file rounded them
afterwards.
"""

from typing import Any

from leapfrog_training.architectures.upsampling import NearestUpsampling, PassRangeThrough
from leapfrog_training.keras import tf, tf_keras, tfmot

keras = tfmot.quantization.keras
transforms = keras.default_8bit.default_8bit_transforms


def quantization_aware(model: Any) -> Any:
    """A copy of `model` with simulated int8 weights and activations."""
    annotated = tf_keras.models.clone_model(model, clone_function=_annotate)
    annotated.set_weights(model.get_weights())
    own = (NearestUpsampling, PassRangeThrough, RoundedKernel)
    with keras.quantize_scope({one.__name__: one for one in own}):
        return keras.quantize_apply(annotated, scheme=_Scheme())


class KernelQuantizer(tfmot.quantization.keras.quantizers.LastValueQuantizer):  # type: ignore[misc]
    """Rounds a kernel with a scale for each of its channels: the last axis of a convolution's kernel, the third of a
    depthwise one's (rows, columns, channels, 1).
    """

    def __init__(self, is_depthwise: bool) -> None:
        """For the kernel of a depthwise convolution, or of another."""
        super().__init__(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)
        self._order = (0, 1, 3, 2) if is_depthwise else (0, 1, 2, 3)

    def build(self, tensor_shape: Any, name: str, layer: Any) -> Any:
        """A range for each channel."""
        return super().build([tensor_shape[axis] for axis in self._order], name, layer)

    def __call__(self, inputs: Any, training: Any, weights: Any, **options: Any) -> Any:
        """The rounded kernel."""
        rounded = super().__call__(tf.transpose(inputs, self._order), training, weights, **options)
        return tf.transpose(rounded, self._order)


@tf_keras.utils.register_keras_serializable("leapfrog")
class RoundedKernel(tfmot.quantization.keras.QuantizeConfig):  # type: ignore[misc]
    """Quantization of a convolution whose output goes to a ReLU alone: its kernel is rounded, and the output is only
    rounded after the ReLU, since the file has both in one operation.
    """

    def get_weights_and_quantizers(self, layer: Any) -> list[Any]:
        """The kernel."""
        is_depthwise = isinstance(layer, tf_keras.layers.DepthwiseConv2D)
        kernel = layer.depthwise_kernel if is_depthwise else layer.kernel
        return [(kernel, KernelQuantizer(is_depthwise))]

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
        """No activation."""
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        """Use the rounded kernel."""
        is_depthwise = isinstance(layer, tf_keras.layers.DepthwiseConv2D)
        setattr(layer, "depthwise_kernel" if is_depthwise else "kernel", quantize_weights[0])

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        """Nothing to set."""
        assert not quantize_activations

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        """None: the ReLU's output is rounded."""
        return []

    def get_config(self) -> dict[str, Any]:
        """Nothing to keep."""
        return {}


class _Layout(tfmot.quantization.keras.QuantizeLayoutTransform):  # type: ignore[misc]
    """TensorFlow's own changes to a network before it is wrapped, without those that leave kernels unrounded."""

    def apply(self, model: Any, layer_quantize_map: Any) -> Any:
        """The changed network, and its layers' configurations."""
        changes = [
            transforms.InputLayerQuantize(),
            transforms.Conv2DBatchNormReLUQuantize(),
            transforms.Conv2DBatchNormQuantize(),
            transforms.ConcatTransform(),
        ]
        names = set(layer_quantize_map.keys())
        return keras.graph_transformations.model_transformer.ModelTransformer(
            model, changes, names, layer_quantize_map
        ).transform()


class _Scheme(tfmot.quantization.keras.default_8bit.Default8BitQuantizeScheme):  # type: ignore[misc]
    def get_layout_transformer(self) -> Any:
        return _Layout()


def _annotate(layer: Any) -> Any:
    if isinstance(layer, tf_keras.layers.InputLayer):
        return layer
    copy = layer.__class__.from_config(layer.get_config())
    return keras.quantize_annotate_layer(copy, quantize_config=_own_config(layer))


def _own_config(layer: Any) -> Any:
    """The configuration of a layer for which TensorFlow's own is wrong; None for all others."""
    if isinstance(layer, NearestUpsampling):
        return PassRangeThrough()
    following = [node.outbound_layer for node in layer.outbound_nodes]
    is_convolution = isinstance(layer, tf_keras.layers.Conv2D | tf_keras.layers.DepthwiseConv2D)
    if is_convolution and any(isinstance(one, tf_keras.layers.ReLU) for one in following):
        return RoundedKernel()
    return None
