"""Moves scale between neighbouring layers of a float network, so that int8 loses less of it.

What is small before its ReLU, or never active, is met by large weights in the next layer, and these make the steps of
int8 coarse for all other weights there. So each channel is enlarged until it uses the range of its ReLU6, and the next
layer's weights for it are made smaller by as much (Nagel et al., "Data-Free Quantization Through Weight Equalization
and Bias Correction", ICCV 2019).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.fitting.pictures import Pictures, predictions_in_batches
from leapfrog_training.keras import tf_keras

LARGEST = 6.0  # that comes out of a ReLU6
MOST = 16.0  # times that a channel is enlarged

Channels = NDArray[np.floating]


def equalized(model: Any, pictures: Pictures) -> Any:
    """A copy of `model` with the same answers, whose channels use the range of each ReLU6 between two convolutions, as
    far as `pictures` (n, height, width, 1) show it. Larger values than the pictures' are cut off.
    """
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    between = [layer for layer in copy.layers if _is_between_convolutions(layer)]
    reached = _largest(tf_keras.Model(copy.input, [relu.output for relu in between]), pictures)
    for relu, largest in zip(between, reached, strict=True):
        times = np.clip(LARGEST / np.maximum(largest, 1e-6), 1, MOST)
        _scale(_before(relu), outputs=times)
        _scale(_after(relu), inputs=1 / times)
    return copy


def _before(layer: Any) -> Any:
    return layer.inbound_nodes[0].inbound_layers


def _after(layer: Any) -> Any:
    return layer.outbound_nodes[0].outbound_layer


def _is_between_convolutions(layer: Any) -> bool:
    convolutions = tf_keras.layers.Conv2D | tf_keras.layers.DepthwiseConv2D
    if not isinstance(layer, tf_keras.layers.ReLU) or len(layer.outbound_nodes) != 1:
        return False
    return isinstance(_before(layer), convolutions) and isinstance(_after(layer), convolutions)


def _largest(model: Any, pictures: Pictures) -> Sequence[Channels]:
    """The largest value of each channel of each output of `model`."""
    largest: list[Channels] = [np.zeros(output.shape[-1], np.float32) for output in model.outputs]
    for outputs in predictions_in_batches(model, pictures):
        largest = [np.maximum(one, output.max(axis=(0, 1, 2))) for one, output in zip(largest, outputs, strict=True)]
    return largest


def _scale(layer: Any, outputs: Channels | None = None, inputs: Channels | None = None) -> None:
    """Multiply what a convolution gives for each channel, or the weights with which it takes each channel in."""
    kernel, bias = layer.get_weights()
    is_depthwise = isinstance(layer, tf_keras.layers.DepthwiseConv2D)
    if inputs is not None:
        kernel = kernel * inputs[:, np.newaxis]  # the third axis, of either kind
    if outputs is not None:
        kernel, bias = kernel * (outputs[:, np.newaxis] if is_depthwise else outputs), bias * outputs
    layer.set_weights([kernel, bias])
