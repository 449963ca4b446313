"""A U-Net (Ronneberger et al., MICCAI 2015) with MobileNetV2 as its encoder.

The encoder is depthwise-separable and starts from ImageNet weights, since a network does not learn edges and textures
well from few pictures. It ends at a sixteenth of the picture's side with the 64 features of MobileNetV2's fourth stage;
the later stages are ten times as large and serve to name objects. The mask has half the picture's size, and the kiosk
enlarges it: that keeps large activations off the Edge TPU.
"""

from typing import Any

from leapfrog_training.architectures import mobilenet_v2
from leapfrog_training.architectures.upsampling import NearestUpsampling
from leapfrog_training.keras import tf_keras

HEIGHT, WIDTH = 128, 192  # pixels
MASK_HEIGHT, MASK_WIDTH = 64, 96  # pixels
# Their features and cells, for pictures of 128 x 192: 16 in 64 x 96, 24 in 32 x 48, 32 in 16 x 24, then 64 in 8 x 12.
SKIPS = ("block0_project_conv", "block2_add", "block5_add")
BOTTOM = "block8_add"
# Where no feature is active, the logit is only the bias, which Adam moves by thousandths per step. Started at 0, it
# ended at -2.5 in one training, which left a mask of .08 all over the background.
BACKGROUND_LOGIT = -4.0
NORM = "_norm"  # ends the name of a batch norm


def build(masks: int = 1, height: int | None = None, width: int | None = None, *, normalized: bool = True) -> Any:
    """The network: (batch, height, width, 1) in [-1, 1] to the logits of the masks (batch, height / 2, width / 2,
    masks), for pictures of 128 x 192 unless another size is given, a multiple of 16.

    `mobilenet_v2.load_imagenet` fills its encoder. Without `normalized` it has no batch norms, as `folded` needs it.
    """
    layers = tf_keras.layers
    image = layers.Input((height or HEIGHT, width or WIDTH, 1), name="image")
    down = mobilenet_v2.layers_until(image, BOTTOM)
    x = down[BOTTOM]
    for level, name in reversed(list(enumerate(SKIPS))):
        skip = down[name]
        filters = skip.shape[-1]
        x = _convolution(x, filters, kernel=1, normalized=normalized, name=f"narrow{level}")
        x = NearestUpsampling(name=f"upsample{level}")(x)
        x = layers.Concatenate(name=f"join{level}")([x, skip])
        for part in "ab":
            x = _convolution(x, filters, normalized=normalized, name=f"up{level}{part}")
    background = tf_keras.initializers.Constant(BACKGROUND_LOGIT)
    logits = layers.Conv2D(masks, 1, bias_initializer=background, name="logits")(x)
    return tf_keras.Model(image, logits, name="mobile_unet")


def folded(model: Any) -> Any:
    """The same network without batch norms, each folded into the convolution before it: the answers are the same, and
    quantization-aware training cannot change their statistics.
    """
    _, height, width, _ = model.input_shape
    plain = build(model.output_shape[-1], height, width, normalized=False)
    for layer in plain.layers:
        source = model.get_layer(layer.name)
        norm = layer.name.replace("_conv", NORM)
        if layer.weights and norm != layer.name and _has_layer(model, norm):
            layer.set_weights(_folded(source.get_weights()[0], model.get_layer(norm)))
        elif layer.weights:
            layer.set_weights(source.get_weights())
    return plain


def _folded(kernel: Any, norm: Any) -> list[Any]:
    scale, offset, mean, variance = norm.get_weights()
    gain = scale / (variance + norm.epsilon) ** 0.5
    return [kernel * gain, offset - mean * gain]


def _has_layer(model: Any, name: str) -> bool:
    return any(layer.name == name for layer in model.layers)


def _convolution(x: Any, filters: int, *, kernel: int = 3, normalized: bool, name: str) -> Any:
    layers = tf_keras.layers
    x = layers.Conv2D(filters, kernel, padding="same", use_bias=not normalized, name=f"{name}_conv")(x)
    if normalized:
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}{NORM}")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)
