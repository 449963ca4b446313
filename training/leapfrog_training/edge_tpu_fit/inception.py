"""Inception v1 and v4 as Keras networks with random weights, for `rebuilt.py`.

Batch norms are left out: they are folded into the convolutions and cost no time.
"""

from typing import Any

from leapfrog_training.keras import tf_keras

# Filters of each block: 1x1; reduction, 3x3; reduction, 5x5; after the pool (Szegedy et al., 2015).
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

Kernel = int | tuple[int, int]


def convolution(x: Any, filters: int, kernel: Kernel, stride: int = 1, padding: str = "same") -> Any:
    """A convolution with its ReLU."""
    return tf_keras.layers.Conv2D(filters, kernel, stride, padding, activation="relu")(x)


def inception_v1() -> Any:
    """GoogLeNet (Szegedy et al., CVPR 2015) without its side outputs."""
    layers = tf_keras.layers
    image = layers.Input((224, 224, 3))
    x = layers.MaxPooling2D(3, 2, "same")(convolution(image, 64, 7, 2))
    x = layers.MaxPooling2D(3, 2, "same")(convolution(convolution(x, 64, 1), 192, 3))
    for number, blocks in enumerate(INCEPTION_V1):
        if number:
            x = layers.MaxPooling2D(3, 2, "same")(x)
        for one, reduced3, three, reduced5, five, pooled in blocks:
            x = _join(
                convolution(x, one, 1),
                _chain(x, (reduced3, 1), (three, 3)),
                _chain(x, (reduced5, 1), (five, 3)),
                convolution(layers.MaxPooling2D(3, 1, "same")(x), pooled, 1),
            )
    return _classified(image, x)


def inception_v4() -> Any:
    """Inception v4 (Szegedy et al., AAAI 2017, figures 3 to 9)."""
    image = tf_keras.layers.Input((299, 299, 3))
    x = _stem(image)
    for _ in range(4):
        x = _join(
            convolution(_average(x), 96, 1),
            convolution(x, 96, 1),
            _chain(x, (64, 1), (96, 3)),
            _chain(x, (64, 1), (96, 3), (96, 3)),
        )
    x = _join(
        _largest(x),
        convolution(x, 384, 3, 2, "valid"),
        convolution(_chain(x, (192, 1), (224, 3)), 256, 3, 2, "valid"),
    )
    for _ in range(7):
        x = _join(
            convolution(_average(x), 128, 1),
            convolution(x, 384, 1),
            _chain(x, (192, 1), (224, (1, 7)), (256, (7, 1))),
            _chain(x, (192, 1), (192, (1, 7)), (224, (7, 1)), (224, (1, 7)), (256, (7, 1))),
        )
    x = _join(
        _largest(x),
        convolution(convolution(x, 192, 1), 192, 3, 2, "valid"),
        convolution(_chain(x, (256, 1), (256, (1, 7)), (320, (7, 1))), 320, 3, 2, "valid"),
    )
    for _ in range(3):
        narrow, wide = convolution(x, 384, 1), _chain(x, (384, 1), (448, (1, 3)), (512, (3, 1)))
        x = _join(
            convolution(_average(x), 256, 1),
            convolution(x, 256, 1),
            convolution(narrow, 256, (1, 3)),
            convolution(narrow, 256, (3, 1)),
            convolution(wide, 256, (3, 1)),
            convolution(wide, 256, (1, 3)),
        )
    return _classified(image, x)


def _stem(image: Any) -> Any:
    x = convolution(image, 32, 3, 2, "valid")
    x = convolution(convolution(x, 32, 3, 1, "valid"), 64, 3)
    x = _join(_largest(x), convolution(x, 96, 3, 2, "valid"))
    x = _join(
        convolution(convolution(x, 64, 1), 96, 3, 1, "valid"),
        convolution(_chain(x, (64, 1), (64, (7, 1)), (64, (1, 7))), 96, 3, 1, "valid"),
    )
    return _join(convolution(x, 192, 3, 2, "valid"), _largest(x))


def _chain(x: Any, *convolutions: tuple[int, Kernel]) -> Any:
    for filters, kernel in convolutions:
        x = convolution(x, filters, kernel)
    return x


def _join(*parts: Any) -> Any:
    return tf_keras.layers.Concatenate()(list(parts))


def _average(x: Any) -> Any:
    return tf_keras.layers.AveragePooling2D(3, 1, "same")(x)


def _largest(x: Any) -> Any:
    return tf_keras.layers.MaxPooling2D(3, 2)(x)


def _classified(image: Any, x: Any) -> Any:
    layers = tf_keras.layers
    return tf_keras.Model(image, layers.Dense(1001, activation="softmax")(layers.GlobalAveragePooling2D()(x)))
