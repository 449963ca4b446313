"""The networks and their quantization. Skipped where TensorFlow, the extra `training`, is not installed."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.architectures import mobile_unet, mobilenet_v2
    from leapfrog_training.evaluate import scores
    from leapfrog_training.fitting import loop, quantize
    from leapfrog_training.fitting.augmentation import Augmentation, move
    from leapfrog_training.head import recipe as head_recipe
    from leapfrog_training.keras import tf, tf_keras, use_threads

from typer.testing import CliRunner

from leapfrog.packages.package import FLOAT_MODEL_NAME, load_package
from leapfrog.packages.signature import signature_policy
from leapfrog_training.cli import app
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.packaging.signing import make_keys

use_threads(2)  # before the first operation, as the commands do
pytestmark = pytest.mark.filterwarnings("ignore")
CHANCE = (1, 2)
STILL = Augmentation(rotation_degrees=0, zoom=0, shift=0, contrast=0, brightness=0)


def test_imagenet_weights_see_what_coral_s_model_sees(shared_data: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    path = shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
    model = mobilenet_v2.build(findings=3)
    mobilenet_v2.load_imagenet(model, path)
    gray = np.asarray(_photograph(), dtype=np.uint8)
    coral = Interpreter(str(path), experimental_preserve_all_tensors=True)
    coral.allocate_tensors()
    coral.set_tensor(0, np.repeat(gray[None, :, :, None], 3, axis=3))
    coral.invoke()
    mean = next(op for op in coral._get_ops_details() if op["op_name"] == "MEAN")["outputs"][0]
    theirs = coral.get_tensor(mean).astype(np.float32).ravel()
    detail = next(tensor for tensor in coral.get_tensor_details() if tensor["index"] == mean)
    theirs = (theirs - detail["quantization"][1]) * detail["quantization"][0]
    ours = mobilenet_v2.feature_model(model)(gray[None, :, :, None] / 127.5 - 1.0).numpy().ravel()
    ours = ours[: mobilenet_v2.FEATURES]  # the last layer's; an earlier layer's follow
    cosine = float(ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs))
    assert cosine > 0.98


def test_a_u_net_goes_down_as_mobilenet_does(shared_data: Path) -> None:
    path = shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
    whole, segmenter = mobilenet_v2.build(findings=1), mobile_unet.build()
    mobilenet_v2.load_imagenet(whole, path)
    mobilenet_v2.load_imagenet(segmenter, path)
    down = tf_keras.Model(segmenter.input, segmenter.get_layer(mobile_unet.BOTTOM).output)
    reference = tf_keras.Model(whole.input, whole.get_layer(mobile_unet.BOTTOM).output)
    gray = _photograph()[None, :128, :192, None].astype(np.float32) / 127.5 - 1.0
    below_right = np.pad(gray, ((0, 0), (0, 96), (0, 32), (0, 0)))
    theirs, ours = reference(below_right).numpy()[0, :8, :12], down(gray).numpy()[0]
    assert np.allclose(ours[:2, :3], theirs[:2, :3], atol=1e-3)  # further down it sees the edge


def test_the_logit_of_a_finding_is_the_mean_of_its_map() -> None:
    model = mobilenet_v2.build(findings=3)
    logits, maps = model(np.random.default_rng(0).uniform(-1, 1, (2, 224, 224, 1)).astype(np.float32))
    assert maps.shape == (2, 7, 7, 3)
    assert np.allclose(logits, np.mean(maps, axis=(1, 2)), atol=1e-5)


def test_a_picture_and_its_smaller_mask_move_alike() -> None:
    picture = np.zeros((1, 128, 192, 1), np.float32)
    picture[0, 30:70, 40:100] = 1.0
    mask = picture.reshape(1, 64, 2, 96, 2, 1).mean(axis=(2, 4))
    transforms = Augmentation(25, 0.2, 0.05, 0, 0, flip_horizontally=True).transforms(1, CHANCE)
    moved, moved_mask = move(picture, transforms, fill=0.0).numpy(), move(mask, transforms, fill=0.0).numpy()
    shrunk = moved.reshape(1, 64, 2, 96, 2, 1).mean(axis=(2, 4))
    assert not np.allclose(shrunk, mask, atol=0.1)
    assert np.abs(shrunk - moved_mask).mean() < 0.01


def test_an_augmentation_of_nothing_changes_nothing() -> None:
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 16, 24, 1)).astype(np.float32)
    assert np.allclose(
        STILL.recolour(move(pictures, STILL.transforms(2, CHANCE), fill=-1.0), CHANCE), pictures, atol=1e-5
    )


def test_a_training_that_stops_early_holds_what_a_full_one_held_then() -> None:
    random = np.random.default_rng(0)
    examples = loop.Examples(random.integers(0, 256, (8, 4, 4, 1), dtype=np.uint8), np.ones((8, 1), np.float32))
    schedule = loop.Schedule(epochs=3, batch=4, learning_rate=0.1)
    kept: list[Any] = []
    weights = []
    for stop in (None, 2):
        loop.seed_everything(5)
        model = tf_keras.Sequential([tf_keras.layers.Flatten(input_shape=(4, 4, 1)), tf_keras.layers.Dense(1)])
        after = (lambda epoch, m=model: kept.append(m.get_weights()[0])) if stop is None else None
        loop.fit(model, examples, _squared, STILL, schedule, seed=1, after_epoch=after, stop_after=stop)
        weights.append(model.get_weights()[0])
    assert np.allclose(weights[1], kept[1])
    assert not np.allclose(weights[0], weights[1])


def test_the_ranges_of_activations_settle_before_training() -> None:
    image = tf_keras.layers.Input((8, 8, 1))
    model = tf_keras.Model(image, tf_keras.layers.Conv2D(2, 1, kernel_initializer="ones")(image))
    aware = quantize.quantization_aware(model)
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
    examples = loop.Examples(pictures, random.random((8, 4, 4, 1)).astype(np.float32))
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


@pytest.mark.timeout(600)  # a minute and a half of tracing and converting on two quiet cores
def test_the_commands_make_a_package_that_measures_heads(
    made_up_heads: Any, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{subject:03}_HC.png" for subject in range(20)]
    data = made_up_heads.write(names, validation=["016", "017", "018", "019"])
    monkeypatch.setattr(head_recipe, "SCHEDULE", loop.Schedule(epochs=30, batch=8, learning_rate=2e-3))
    monkeypatch.setattr(head_recipe, "QUANTIZED_SCHEDULE", loop.Schedule(epochs=1, batch=8, learning_rate=1e-4))
    monkeypatch.setattr(quantize, "REPRESENTATIVE_PICTURES", 4)
    monkeypatch.setattr(scores, "RESAMPLES", 20)
    small = {"HEIGHT": 32, "WIDTH": 48, "MASK_HEIGHT": 16, "MASK_WIDTH": 24}
    for name, value in small.items():
        monkeypatch.setattr(mobile_unet, name, value)
    imagenet = str(shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite")
    run, out = str(tmp_path / "run"), tmp_path / "fetal-head"
    signer, public_key = make_keys(tmp_path / "keys")
    for command in (
        ["fit", "fetal-head", "--data", str(data), "--out", run, "--seeds", "1", "--imagenet", imagenet],
        ["quantize", run, "--data", str(data)],
        ["evaluate", run, "--data", str(data)],
        ["package", run, "--out", str(out), "--version", "9.9", "--key", str(signer), "--with-float"],
    ):
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    assert not list(Path(run).rglob("unfinished"))
    package = load_package(out, signature_policy([public_key], required=True))
    assert package.manifest.version == "9.9"
    assert package.manifest.metrics["dice"] > 0.7
    with KioskModel(out / FLOAT_MODEL_NAME) as in_float:
        assert in_float.input.dtype == "float32"
    assert KioskModel(package.model_path).outputs[0].shape == (1, 16, 24, 1)
    assert f"{package.manifest.metrics['dice']:.4f}" in (out / "card.md").read_text()


def _squared(targets: Any, outputs: Any) -> Any:
    return tf.reduce_mean(tf.square(targets - outputs))


def _photograph() -> Any:
    """A gray picture with edges and shades, 224 x 224."""
    rows, columns = np.mgrid[0:224, 0:224]
    return (127 + 80 * np.sin(columns / 17) * np.cos(rows / 23) + 40 * (((rows // 32) + (columns // 32)) % 2)).clip(
        0, 255
    )
