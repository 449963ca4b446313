"""Quantization-aware training. Skipped where TensorFlow, the extra `training`, is not installed."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.fitting import loop, quantize
    from leapfrog_training.fitting.augmentation import STILL
    from leapfrog_training.fitting.devices import Devices, Precision, in_float32, prepare
    from leapfrog_training.fitting.examples import Examples
    from leapfrog_training.fitting.int8_simulation import quantization_aware
    from leapfrog_training.keras import tf, tf_keras


pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_ranges_of_activations_settle_before_training() -> None:
    image = tf_keras.layers.Input((8, 8, 1))
    model = tf_keras.Model(image, tf_keras.layers.Conv2D(2, 1, kernel_initializer="ones")(image))
    aware = quantization_aware(model)
    batch = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 1)).astype(np.float32)
    quantize.warm_up_ranges(aware, iter([batch] * quantize.WARM_UP_PASSES))
    ranges = {v.name.split("/")[-1]: float(v) for v in aware.variables if "post_activation" in v.name}
    assert ranges["post_activation_max:0"] == pytest.approx(1.0, abs=0.2)
    assert ranges["post_activation_min:0"] == pytest.approx(-1.0, abs=0.2)


def test_quantization_aware_training_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tf_keras.layers.Input((4, 4, 1))
    model = tf_keras.Model(image, tf_keras.layers.Conv2D(1, 1, kernel_initializer="ones")(image))
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (8, 4, 4, 1), dtype=np.uint8)
    examples = Examples(pictures, random.random((8, 4, 4, 1)).astype(np.float32))
    schedule = loop.Schedule(epochs=3, batch=4, learning_rate=0.05)

    def trained(folder: Path) -> list[Any]:
        aware = quantize.fit_quantization_aware(model, examples, _squared, STILL, schedule, seed=1, folder=folder)
        return list(aware.get_weights())

    def stop(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("leapfrog_training.fitting.history.JobRecords.epoch_done", stop)
        trained(tmp_path / "stopped")
    assert (tmp_path / "stopped" / "unfinished" / "state.json").exists()
    resumed, undisturbed = trained(tmp_path / "stopped"), trained(tmp_path / "undisturbed")
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(resumed, undisturbed, strict=True))


def _squared(targets: Any, outputs: Any) -> Any:
    return tf.reduce_mean(tf.square(targets - outputs))


def test_a_network_is_converted_in_float32_after_a_training_in_mixed_precision() -> None:
    prepare(Devices.CPU, Precision.MIXED)
    try:
        with in_float32():
            image = tf_keras.layers.Input((8, 8, 1))
            model = tf_keras.Model(image, tf_keras.layers.Conv2D(1, 1)(image))
        assert tf_keras.mixed_precision.global_policy().name == "mixed_float16"
        content = quantize.convert_float(model)
    finally:
        prepare(Devices.CPU, Precision.FLOAT32)
    reader = tf.lite.Interpreter(model_content=content)
    types = {one["dtype"] for one in reader.get_tensor_details()}
    assert np.float32 in types and np.float16 not in types
