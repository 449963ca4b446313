"""What to train on is chosen, or told to be missing. Skipped without TensorFlow."""

import warnings

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.fitting.devices import Devices, Precision, _this_worker, prepare
    from leapfrog_training.keras import tf

from leapfrog.errors import UsageError

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_graphics_card_that_is_not_there_is_told() -> None:
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a graphics card")
    with pytest.raises(UsageError, match="finds no graphics card"):
        prepare(Devices.ONE_GPU, Precision.AUTO)


def test_machines_without_their_names_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", "{}")
    with pytest.raises(UsageError, match="TF_CONFIG"):
        _this_worker()
