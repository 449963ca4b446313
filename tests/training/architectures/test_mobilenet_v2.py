"""MobileNetV2 with its ImageNet weights, whole and as the way down of a U-Net. Skipped without TensorFlow."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.architectures import mobile_unet, mobilenet_v2
    from leapfrog_training.keras import tf_keras

pytestmark = pytest.mark.filterwarnings("ignore")


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


def _photograph() -> Any:
    """A gray picture with edges and shades, 224 x 224."""
    rows, columns = np.mgrid[0:224, 0:224]
    return (127 + 80 * np.sin(columns / 17) * np.cos(rows / 23) + 40 * (((rows // 32) + (columns // 32)) % 2)).clip(
        0, 255
    )
