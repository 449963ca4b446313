"""The int8 network follows its own float network. Skipped without TensorFlow."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.architectures import mobilenet_v2
    from leapfrog_training.films.network import following, network
    from leapfrog_training.fitting import quantize
    from leapfrog_training.fitting.loop import Schedule
    from leapfrog_training.fitting.pictures import predictions


pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_network_in_simulated_int8_gives_the_logits_of_its_float_form(
    tiny_networks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantize, "WARM_UP_PASSES", 20)
    shape = (96, tiny_networks.side, tiny_networks.side, 1)
    pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    pictures //= np.arange(1, 97, dtype=np.uint8)[:, np.newaxis, np.newaxis, np.newaxis] % 5 + 1  # bright and dark
    model = network(3)
    weights, bias = mobilenet_v2.head(model)
    mobilenet_v2.set_head(model, 300 * weights, bias)  # logits of some units, as of a trained one
    aware = following(model, pictures, Schedule(epochs=4, batch=16, learning_rate=1e-5), 0, tmp_path)
    (exact,), (simulated,) = predictions(model, pictures), predictions(aware, pictures)
    assert exact.std(axis=0).min() > 0
    assert np.sqrt(((simulated - exact) ** 2).mean(axis=0)) == pytest.approx(np.zeros(3), abs=0.1 * float(exact.std()))
