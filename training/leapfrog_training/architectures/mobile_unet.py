"""A U-Net (Ronneberger et al., MICCAI 2015) with MobileNetV2 as its encoder, for pictures of 128 x 192.

The encoder is depthwise-separable and starts from ImageNet weights, since a network does not learn edges and textures
well from few pictures. It ends at 8 x 12 cells with the 64 features of MobileNetV2's fourth stage; the later stages are
ten times as large and serve to name objects. The mask has half the picture's size, and the kiosk enlarges it: that
keeps large activations off the Edge TPU.
"""

from typing import Any

from leapfrog_training.architectures import mobilenet_v2
from leapfrog_training.architectures.upsampling import NearestUpsampling
from leapfrog_training.keras import tf_keras

HEIGHT, WIDTH = 128, 192  # pixels
MASK_HEIGHT, MASK_WIDTH = 64, 96  # pixels
SKIPS = ("block0_project_conv", "block2_add", "block5_add")  # 16, 24, 32 features in 64 x 96, 32 x 48, 16 x 24 cells
BOTTOM = "block8_add"  # 64 features in 8 x 12 cells
# Where no feature is active, the logit is only the bias, which Adam moves by thousandths per step. Started at 0, it
# ended at -2.5 in one training, which left a mask of .08 all over the background.
BACKGROUND_LOGIT = -4.0


def build() -> Any:
    """The network: (batch, 128, 192, 1) in [-1, 1] to the logits of the mask (batch, 64, 96, 1).

    `mobilenet_v2.load_imagenet` fills its encoder.
    """
    layers = tf_keras.layers
    image = layers.Input((HEIGHT, WIDTH, 1), name="image")
    down = mobilenet_v2.layers_until(image, BOTTOM)
    x = down[BOTTOM]
    for level, name in reversed(list(enumerate(SKIPS))):
        skip = down[name]
        filters = skip.shape[-1]
        x = _convolution(x, filters, kernel=1, name=f"narrow{level}")
        x = NearestUpsampling(name=f"upsample{level}")(x)
        x = layers.Concatenate(name=f"join{level}")([x, skip])
        x = _convolution(_convolution(x, filters, name=f"up{level}a"), filters, name=f"up{level}b")
    background = tf_keras.initializers.Constant(BACKGROUND_LOGIT)
    return tf_keras.Model(image, layers.Conv2D(1, 1, bias_initializer=background, name="logits")(x), name="mobile_unet")


def _convolution(x: Any, filters: int, *, kernel: int = 3, name: str) -> Any:
    layers = tf_keras.layers
    x = layers.Conv2D(filters, kernel, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)
