"""The networks of Coral's published benchmarks, rebuilt with random weights.

Only their shape matters for speed, so nothing is trained. They are converted in float, which takes seconds instead of
minutes for int8; each value is then counted as the one byte that it would have in int8.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from leapfrog_training.edge_tpu_fit.graph import read_graph
from leapfrog_training.edge_tpu_fit.inception import convolution, inception_v1, inception_v4
from leapfrog_training.edge_tpu_fit.workload import Workload, workload
from leapfrog_training.keras import lite_converter, tf_keras

FLOAT_BYTES = 4


def rebuilt_workload(name: str) -> Workload:
    """The workload, in int8, of the network called `name` in `published.PUBLISHED`."""
    tf_keras.backend.clear_session()
    model = NETWORKS[name]()
    work = workload(read_graph(bytes(lite_converter(model).convert())))
    return replace(
        work,
        parameter_bytes=work.parameter_bytes // FLOAT_BYTES,
        activation_bytes=work.activation_bytes // FLOAT_BYTES,
        bus_bytes=work.bus_bytes // FLOAT_BYTES,
    )


def _application(name: str, side: int = 224) -> Callable[[], Any]:
    return lambda: getattr(tf_keras.applications, name)(weights=None, input_shape=(side, side, 3))


def _squeezenet() -> Any:
    """SqueezeNet 1.0 (Iandola et al., 2016)."""
    layers = tf_keras.layers
    image = layers.Input((224, 224, 3))
    x = layers.MaxPooling2D(3, 2)(convolution(image, 96, 7, 2))
    for number, (squeeze, expand) in enumerate(
        ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
    ):
        if number in (3, 7):
            x = layers.MaxPooling2D(3, 2)(x)
        x = convolution(x, squeeze, 1)
        x = layers.Concatenate()([convolution(x, expand, 1), convolution(x, expand, 3)])
    x = layers.GlobalAveragePooling2D()(convolution(x, 1000, 1))
    return tf_keras.Model(image, layers.Softmax()(x))


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
    "Inception v1": inception_v1,
    "Inception v4": inception_v4,
    "Inception-ResNet v2": _application("InceptionResNetV2", side=299),  # the sides are from Coral's table
    "ResNet-50 v1": _application("ResNet50", side=299),
    "ResNet-50 v2": _application("ResNet50V2", side=299),
    "ResNet-152 v2": _application("ResNet152V2", side=299),
    "DenseNet-121": _application("DenseNet121"),
    "SqueezeNet": _squeezenet,
    "VGG16": _application("VGG16"),
    "VGG19": _application("VGG19"),
    "U-Net MobileNet v2 128": _unet_mobilenet_v2,
}
