"""The paper's networks and the separable U-Net: of the size that the paper states, and made only of what the Edge TPU
takes. Skipped without TensorFlow.
"""

import warnings
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training import quantize
    from leapfrog_training.architectures import densenet, paper_unet, separable_unet, unet
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


def test_a_separable_u_net_maps_whole_in_simulated_int8_and_multiplies_less(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HEIGHT": 32, "WIDTH": 48, "FILTERS": (16, 32)}.items():
        monkeypatch.setattr(unet, name, value)
    tf_keras.backend.clear_session()
    plain, separable = unet.build(), separable_unet.build(32, 48, (16, 32))
    assert separable.output_shape == plain.output_shape
    fit = fit_of(int8(quantize.quantization_aware(separable), monkeypatch))
    assert [(one.name, one.version, one.reason) for one in fit.operations if one.place == "cpu"] == []
    assert fit.work.macs < fit_of(int8(plain, monkeypatch)).work.macs / 3
