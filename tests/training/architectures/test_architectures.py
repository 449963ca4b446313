"""The paper's networks and the segmenters' own: of the size that the paper states, and made only of what the Edge TPU
takes. Skipped without TensorFlow.
"""

import warnings
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.architectures import densenet, mobile_unet, paper_unet
    from leapfrog_training.fitting import quantize
    from leapfrog_training.fitting.int8_simulation import quantization_aware
    from leapfrog_training.keras import tf_keras

from leapfrog_training.edge_tpu_fit.fit import fit_of

pytestmark = pytest.mark.filterwarnings("ignore")
FLOAT_BYTES = 4


def pictures(model: Any) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, *model.input_shape[1:]), dtype=np.uint8)


def int8(model: Any, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(quantize, "REPRESENTATIVE_PICTURES", 2)
    return quantize.convert_int8(model, quantize.representative_inputs(pictures(model)))


def test_the_paper_s_networks_are_of_their_published_size() -> None:
    assert paper_unet.build().count_params() * FLOAT_BYTES == pytest.approx(31.0e6, rel=0.01)
    # Huang et al.: 8.0 million parameters, of which the 1000 classes of ImageNet take 1.0.
    assert densenet.build(14).count_params() == pytest.approx(7.0e6, rel=0.01)


def test_a_densenet_of_few_layers_maps_whole_and_its_logits_are_the_means_of_its_maps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(densenet, "SIDE", 64)
    model = densenet.build(3, blocks=(2, 2))
    logits, maps = model(pictures(model).astype(np.float32) / 127.5 - 1)
    assert np.allclose(logits, np.mean(maps, axis=(1, 2)), atol=1e-4)
    fit = fit_of(int8(model, monkeypatch))
    assert [(one.name, one.version, one.reason) for one in fit.operations if one.place == "cpu"] == []


def test_a_plain_u_net_of_few_maps_maps_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    model = paper_unet.build(filters=(4, 8))
    assert model.output_shape == (None, paper_unet.HEIGHT, paper_unet.WIDTH, 1)
    fit = fit_of(int8(model, monkeypatch))
    assert [(one.name, one.version, one.reason) for one in fit.operations if one.place == "cpu"] == []


def test_the_u_net_on_mobilenet_maps_whole_in_simulated_int8_and_is_a_fiftieth_of_the_paper_s_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (
        mobile_unet.build().count_params() < paper_unet.build().count_params() * FLOAT_BYTES / 50
    )  # int8: a byte each
    for name, value in {"HEIGHT": 32, "WIDTH": 48}.items():
        monkeypatch.setattr(mobile_unet, name, value)
    tf_keras.backend.clear_session()
    model = mobile_unet.build()
    assert model.output_shape == (None, 16, 24, 1)
    fit = fit_of(int8(quantization_aware(model), monkeypatch))
    assert [(one.name, one.version, one.reason) for one in fit.operations if one.place == "cpu"] == []


def test_folding_its_batch_norms_changes_no_answer_and_leaves_none() -> None:
    model = mobile_unet.build(2, 32, 48)
    random = np.random.default_rng(4)
    for layer in model.layers:
        if layer.name.endswith(mobile_unet.NORM):
            layer.set_weights([random.uniform(0.5, 1.5, len(one)) for one in layer.get_weights()])
    plain = mobile_unet.folded(model)
    assert not any(isinstance(layer, tf_keras.layers.BatchNormalization) for layer in plain.layers)
    shown = pictures(model).astype(np.float32) / 127.5 - 1
    assert plain(shown).shape == (4, 16, 24, 2)
    assert np.allclose(plain(shown), model(shown), atol=1e-4)


def test_a_folded_u_net_with_two_masks_maps_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = fit_of(int8(mobile_unet.folded(mobile_unet.build(2, 32, 48)), monkeypatch))
    assert [(one.name, one.version, one.reason) for one in fit.operations if one.place == "cpu"] == []
