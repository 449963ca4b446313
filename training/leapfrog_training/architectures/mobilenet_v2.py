"""MobileNetV2 (Sandler et al., CVPR 2018) for one-channel films, with one class activation map per finding.

The head is a 1x1 convolution to one map per finding; the mean of a map is the finding's logit. So the map is itself the
class activation map (Zhou et al., CVPR 2016), in 49 bytes per finding, and needs no second set of weights.
Batch norm is already folded into the ImageNet weights, so the layers are convolution, bias and ReLU6.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from leapfrog_training.errors import DatasetError
from leapfrog_training.keras import tf_keras

SIDE = 224  # pixels
STEM_FILTERS = 32
FEATURES = 1280
HEATMAP_LAYER = "heatmap"
FROM_IMAGENET = ("stem", "block", "features")  # prefixes of the layers that ImageNet weights are loaded into
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


@dataclass(frozen=True)
class Stage:
    """`repeats` inverted residual blocks; the first one has the stride."""

    expansion: int
    filters: int
    repeats: int
    stride: int


STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)


@dataclass(frozen=True)
class ConvolutionWeights:
    """The kernel, in Keras' layout, and the bias of one convolution."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


def build(findings: int, side: int | None = None) -> Any:
    """The network: (batch, side, side, 1) in [-1, 1] to logits (batch, findings) and maps (batch, rows, columns,
    findings): 7 x 7 for the usual side of 224 pixels, 5 x 5 for 160.
    """
    layers = tf_keras.layers
    image = layers.Input((side or SIDE, side or SIDE, 1), name="image")
    x = list(layers_until(image).values())[-1]
    x = _convolution(x, FEATURES, kernel=1, stride=1, name="features")
    heatmap = layers.Conv2D(findings, 1, name=HEATMAP_LAYER)(x)
    logits = layers.GlobalAveragePooling2D(name="logits")(heatmap)
    return tf_keras.Model(image, [logits, heatmap], name="mobilenet_v2")


def layers_until(image: Any, last: str = "") -> dict[str, Any]:
    """Build the network from `image` to the block whose output is named `last`, or to the last block.

    Returns each block's output by the name of the layer that makes it: ``block2_add`` or, if nothing is added,
    ``block0_project_conv``.
    """
    x = _convolution(image, STEM_FILTERS, kernel=3, stride=2, name="stem")
    outputs: dict[str, Any] = {}
    strides = [(stage, stage.stride if repeat == 0 else 1) for stage in STAGES for repeat in range(stage.repeats)]
    for number, (stage, stride) in enumerate(strides):
        x = _inverted_residual(x, stage, stride, name=f"block{number}")
        outputs[x.node.layer.name] = x
        if x.node.layer.name == last:
            break
    return outputs


def load_imagenet(model: Any, tflite_path: Path) -> None:
    """Load the weights of Coral's quantized MobileNetV2 1.0, dequantized, into the layers of `layers_until` and the
    features of `model`.

    The first kernel is summed over red, green and blue, so a gray picture gives the same result as its RGB form. Raises
    DatasetError if the file holds another network.
    """
    layers = [layer for layer in model.layers if layer.name.startswith(FROM_IMAGENET) and layer.weights]
    sources = _dequantized_convolutions(tflite_path)[: len(layers)]
    for layer, source in zip(layers, sources, strict=True):
        kernel = source.kernel.sum(axis=2, keepdims=True) if layer.name.startswith("stem") else source.kernel
        if tuple(layer.weights[0].shape) != kernel.shape:
            raise DatasetError(f"{tflite_path.name} is not a MobileNetV2 1.0: layer {layer.name} has another shape")
        layer.set_weights([kernel, source.bias])


def feature_model(model: Any) -> Any:
    """The network up to the means of its features, (batch, 1280), to which the initial head is fitted."""
    features = model.get_layer(HEATMAP_LAYER).input
    return tf_keras.Model(model.input, tf_keras.layers.GlobalAveragePooling2D()(features))


def head(model: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The head as `set_head` takes it, as copies."""
    weights, bias = model.get_layer(HEATMAP_LAYER).get_weights()
    return weights[0, 0].copy(), bias.copy()


def set_head(model: Any, weights: NDArray[np.floating], bias: NDArray[np.floating]) -> None:
    """Set the head to a linear model on the mean features: `weights` (1280, findings), `bias` (findings,)."""
    model.get_layer(HEATMAP_LAYER).set_weights([weights[np.newaxis, np.newaxis], bias])


def _convolution(x: Any, filters: int, *, kernel: int, stride: int, name: str, relu: bool = True) -> Any:
    x = tf_keras.layers.Conv2D(filters, kernel, strides=stride, padding="same", name=f"{name}_conv")(x)
    return tf_keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if relu else x


def _inverted_residual(x: Any, stage: Stage, stride: int, name: str) -> Any:
    layers = tf_keras.layers
    inward = x.shape[-1]
    y = x
    if stage.expansion > 1:
        y = _convolution(y, inward * stage.expansion, kernel=1, stride=1, name=f"{name}_expand")
    y = layers.DepthwiseConv2D(3, strides=stride, padding="same", name=f"{name}_depthwise_conv")(y)
    y = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(y)
    y = _convolution(y, stage.filters, kernel=1, stride=1, name=f"{name}_project", relu=False)
    if stride == 1 and inward == stage.filters:
        y = layers.Add(name=f"{name}_add")([x, y])
    return y


def _dequantized_convolutions(tflite_path: Path) -> list[ConvolutionWeights]:
    interpreter = Interpreter(str(tflite_path))
    details = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    convolutions = []
    for operation in interpreter._get_ops_details():
        if operation["op_name"] not in CONVOLUTIONS:
            continue
        _, kernel_index, bias_index = (int(index) for index in operation["inputs"])
        kernel = _dequantized(interpreter, details[kernel_index])
        # TFLite's layout is (out, rows, columns, in), and (1, rows, columns, channels) for depthwise convolutions.
        kernel = kernel.transpose(1, 2, 3, 0)
        convolutions.append(ConvolutionWeights(kernel, _dequantized(interpreter, details[bias_index])))
    return convolutions


def _dequantized(interpreter: Any, detail: dict[str, Any]) -> NDArray[np.float32]:
    values = interpreter.get_tensor(detail["index"]).astype(np.float32)
    quantization = detail["quantization_parameters"]
    shape = [1] * values.ndim
    shape[quantization["quantized_dimension"]] = -1
    scales = quantization["scales"].reshape(shape)
    zero_points = quantization["zero_points"].reshape(shape)
    return np.asarray((values - zero_points) * scales, dtype=np.float32)
