"""The networks of Coral's published benchmarks, rebuilt with random weights.

What counts for speed is their shape: weights are random, and nothing is trained. They are converted in float,
which takes seconds where int8 takes minutes; each value is then counted as the one byte that it would be.

Runs on the training machine only.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from leapfrog_training.edge_tpu_fit.graph import read_graph
from leapfrog_training.edge_tpu_fit.workload import Workload, workload
from leapfrog_training.keras import tf, tf_keras

FLOAT_BYTES = 4


def rebuilt_workload(name: str) -> Workload:
    """The work of the network of that name in `published.PUBLISHED`, in int8."""
    tf_keras.backend.clear_session()
    model = NETWORKS[name]()
    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    function = tf.function(partial(model, training=False)).get_concrete_function(image)
    float_model = tf.lite.TFLiteConverter.from_concrete_functions([function], model).convert()
    work = workload(read_graph(bytes(float_model)))
    return replace(
        work,
        parameter_bytes=work.parameter_bytes // FLOAT_BYTES,
        activation_bytes=work.activation_bytes // FLOAT_BYTES,
        bus_bytes=work.bus_bytes // FLOAT_BYTES,
    )


def _application(name: str, side: int = 224) -> Callable[[], Any]:
    return lambda: getattr(tf_keras.applications, name)(weights=None, input_shape=(side, side, 3))


def _convolution(x: Any, filters: int, kernel: int, stride: int = 1, padding: str = "same") -> Any:
    return tf_keras.layers.Conv2D(filters, kernel, stride, padding, activation="relu")(x)


def _squeezenet() -> Any:
    """SqueezeNet 1.0 (Iandola et al., 2016)."""
    layers = tf_keras.layers
    image = layers.Input((224, 224, 3))
    x = layers.MaxPooling2D(3, 2)(_convolution(image, 96, 7, 2))
    for number, (squeeze, expand) in enumerate(
        ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
    ):
        if number in (3, 7):
            x = layers.MaxPooling2D(3, 2)(x)
        x = _convolution(x, squeeze, 1)
        x = layers.Concatenate()([_convolution(x, expand, 1), _convolution(x, expand, 3)])
    x = layers.GlobalAveragePooling2D()(_convolution(x, 1000, 1))
    return tf_keras.Model(image, layers.Softmax()(x))


# Filters of each block: 1x1; 3x3 after its reduction; 5x5 after its reduction; behind the pool (Szegedy et al., 2015).
INCEPTION_V1 = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)


def _inception_v1() -> Any:
    layers = tf_keras.layers
    image = layers.Input((224, 224, 3))
    x = layers.MaxPooling2D(3, 2, "same")(_convolution(image, 64, 7, 2))
    x = layers.MaxPooling2D(3, 2, "same")(_convolution(_convolution(x, 64, 1), 192, 3))
    for number, blocks in enumerate(INCEPTION_V1):
        if number:
            x = layers.MaxPooling2D(3, 2, "same")(x)
        for one, reduced3, three, reduced5, five, pooled in blocks:
            x = layers.Concatenate()(
                [
                    _convolution(x, one, 1),
                    _convolution(_convolution(x, reduced3, 1), three, 3),
                    _convolution(_convolution(x, reduced5, 1), five, 3),
                    _convolution(layers.MaxPooling2D(3, 1, "same")(x), pooled, 1),
                ]
            )
    x = layers.Dense(1001, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return tf_keras.Model(image, x)


def _unet_mobilenet_v2() -> Any:
    """TensorFlow's segmentation tutorial: MobileNetV2 at 128 x 128, its features joined on the way up."""
    layers = tf_keras.layers
    base = tf_keras.applications.MobileNetV2(weights=None, input_shape=(128, 128, 3), include_top=False)
    names = ("block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu")
    skips = [base.get_layer(name).output for name in names]
    x = base.get_layer("block_16_project").output
    for filters, skip in zip((512, 256, 128, 64), reversed(skips), strict=True):
        x = layers.Conv2DTranspose(filters, 3, 2, "same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Concatenate()([x, skip])
    return tf_keras.Model(base.input, layers.Conv2DTranspose(3, 3, 2, "same")(x))


NETWORKS: Mapping[str, Callable[[], Any]] = {
    "MobileNet v1": _application("MobileNet"),
    "MobileNet v2": _application("MobileNetV2"),
    "Inception v1": _inception_v1,
    "ResNet-50 v1": _application("ResNet50", side=299),  # as the table gives it
    "DenseNet-121": _application("DenseNet121"),
    "SqueezeNet": _squeezenet,
    "VGG16": _application("VGG16"),
    "U-Net MobileNet v2 128": _unet_mobilenet_v2,
}
