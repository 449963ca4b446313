"""Scale moved between layers: the same answers, and channels that use their range. Skipped without TensorFlow."""

import warnings
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.fitting.equalization import MOST, equalized
    from leapfrog_training.fitting.pictures import predictions
    from leapfrog_training.keras import tf_keras

pytestmark = pytest.mark.filterwarnings("ignore")
SIDE = 8
DEAD = 3  # a channel that is never active


def network() -> Any:
    layers, image = tf_keras.layers, tf_keras.layers.Input((SIDE, SIDE, 1))
    x = layers.ReLU(6.0, name="first_relu")(layers.Conv2D(4, 3, padding="same", name="first")(image))
    x = layers.ReLU(6.0, name="depthwise_relu")(layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x))
    model = tf_keras.Model(image, layers.GlobalAveragePooling2D()(layers.Conv2D(2, 1, name="last")(x)))
    random = np.random.default_rng(0)
    first = random.normal(0, 1, (3, 3, 1, 4)) * [0.01, 0.1, 1, 0.01]
    model.get_layer("first").set_weights([first, np.array([0, 0, 0, -1])])
    model.get_layer("depthwise").set_weights([random.normal(0, 0.5, (3, 3, 4, 1)), np.array([0.1, 0.1, 0.1, 0])])
    return model


def pictures() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (40, SIDE, SIDE, 1), dtype=np.uint8)


def largest(model: Any, relu: str) -> np.ndarray:
    """What each channel reaches."""
    (values,) = predictions(tf_keras.Model(model.input, model.get_layer(relu).output), pictures())
    return np.asarray(values.max(axis=(0, 1, 2)))


def test_the_answers_stay_the_same_and_so_does_the_network_given() -> None:
    model = network()
    before = model.get_weights()
    (one,), (other,) = predictions(model, pictures()), predictions(equalized(model, pictures()), pictures())
    assert np.allclose(one, other, atol=1e-4 * np.abs(one).max())
    assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("relu", ["first_relu", "depthwise_relu"])
def test_a_small_channel_uses_the_range_of_its_relu_and_none_is_made_smaller(relu: str) -> None:
    before, after = largest(network(), relu), largest(equalized(network(), pictures()), relu)
    alive = before > 0
    assert after[alive] == pytest.approx(np.clip(6, before[alive], MOST * before[alive]), rel=1e-3)
    assert before[alive].min() < 1 and (after >= before).all()


def test_weights_that_meet_a_channel_that_is_never_active_no_longer_make_the_steps_coarse() -> None:
    model = network()
    assert largest(model, "depthwise_relu")[DEAD] == 0
    before, after = (one.get_layer("last").get_weights()[0][0, 0] for one in (model, equalized(model, pictures())))
    assert np.allclose(after[DEAD] * MOST, before[DEAD])


def test_a_network_with_one_relu_is_equalized_too() -> None:
    layers, image = tf_keras.layers, tf_keras.layers.Input((SIDE, SIDE, 1))
    x = layers.ReLU(6.0, name="first_relu")(layers.Conv2D(2, 3, padding="same", name="first")(image))
    model = tf_keras.Model(image, layers.Conv2D(2, 1, name="last")(x))
    model.get_layer("first").set_weights([np.full((3, 3, 1, 2), [0.01, 0.1]), np.zeros(2)])
    other = equalized(model, pictures())
    assert (largest(other, "first_relu") > 1.5 * largest(model, "first_relu")).all()
    assert np.allclose(predictions(model, pictures())[0], predictions(other, pictures())[0], atol=1e-5)
