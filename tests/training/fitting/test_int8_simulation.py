"""Networks in simulated int8 are rounded as their int8 files are. Skipped without TensorFlow."""

import warnings
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from ai_edge_litert.interpreter import Interpreter

    from leapfrog_training.fitting import quantize
    from leapfrog_training.fitting.int8_simulation import quantization_aware
    from leapfrog_training.fitting.pictures import scaled
    from leapfrog_training.keras import tf_keras

pytestmark = pytest.mark.filterwarnings("ignore")
SIDE = 8


def network() -> Any:
    """A convolution and a depthwise one, each with a ReLU of its own, and a last one, as in MobileNetV2. The depthwise
    one's channels differ in size by up to a thousand times, as folded batch norms leave them.
    """
    layers, image = tf_keras.layers, tf_keras.layers.Input((SIDE, SIDE, 1))
    x = layers.ReLU(6.0)(layers.Conv2D(8, 3, padding="same", name="first")(image))
    x = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x))
    model = tf_keras.Model(image, layers.GlobalAveragePooling2D()(layers.Conv2D(2, 1, name="last")(x)))
    random, sizes = np.random.default_rng(0), np.geomspace(0.001, 1, 8)
    model.get_layer("first").set_weights([random.normal(0, 1, (3, 3, 1, 8)), np.full(8, 0.5)])
    depthwise = random.normal(0, 1, (3, 3, 8, 1)) * sizes[:, np.newaxis]
    model.get_layer("depthwise").set_weights([depthwise, 0.5 * sizes])
    model.get_layer("last").set_weights([random.normal(0, 0.2, (1, 1, 8, 2)) / sizes[:, np.newaxis], np.zeros(2)])
    return model


def channels_rounded(aware: Any, layer: str) -> int:
    """Of how many channels the kernel's ranges are kept; 0 if it isn't rounded."""
    ranges = [one for one in aware.get_layer(f"quant_{layer}").weights if one.name.endswith("kernel_max:0")]
    return int(ranges[0].shape[0]) if ranges else 0


def with_batch_norms() -> Any:
    """As in the U-Net's upper half."""
    layers, image = tf_keras.layers, tf_keras.layers.Input((SIDE, SIDE, 1))
    x = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", name="first")(image)))
    return tf_keras.Model(image, layers.Conv2D(2, 1, name="last")(x))


@pytest.mark.parametrize("build", [network, with_batch_norms])
def test_every_kernel_is_rounded_by_channels(build: Any) -> None:
    model = build()
    aware = quantization_aware(model)
    convolutions = [one for one in model.layers if one.name in ("first", "depthwise", "last")]
    assert {one.name: channels_rounded(aware, one.name) for one in convolutions} == {
        one.name: one.output_shape[-1] for one in convolutions
    }


def test_the_simulated_network_answers_as_the_int8_file_does() -> None:
    model = network()
    pictures = np.random.default_rng(1).integers(0, 256, (40, SIDE, SIDE, 1), dtype=np.uint8)
    aware = quantization_aware(model)
    quantize.warm_up_ranges(aware, iter([scaled(pictures)] * quantize.WARM_UP_PASSES))
    simulated = aware.predict_on_batch(scaled(pictures))
    file = int8_logits(aware, pictures)
    exact = model.predict_on_batch(scaled(pictures))
    assert np.abs(file - simulated).mean() < 0.25 * np.abs(file - exact).mean()


def int8_logits(aware: Any, pictures: np.ndarray) -> np.ndarray:
    """The answers of the int8 file, before its sigmoid."""
    interpreter = Interpreter(model_content=quantize.convert_int8(aware, quantize.representative_inputs(pictures)))
    interpreter.allocate_tensors()
    shown, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    step, zero = shown["quantization"]
    rows = []
    for picture in pictures:
        interpreter.set_tensor(shown["index"], np.round(scaled(picture[np.newaxis]) / step + zero).astype(np.int8))
        interpreter.invoke()
        rows.append(interpreter.get_tensor(given["index"])[0].astype(np.float32))
    chances = (np.array(rows) - given["quantization"][1]) * given["quantization"][0]
    kept = chances.clip(1 / 512, 1 - 1 / 512)
    return np.asarray(np.log(kept / (1 - kept)))
