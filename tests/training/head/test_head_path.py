"""fetal-head from made-up pictures to a signed package. Skipped without TensorFlow."""

import warnings
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from support.tiny_networks import make_head_networks_tiny

from typer.testing import CliRunner

from leapfrog.packages.package import FLOAT_MODEL_NAME, load_package
from leapfrog.packages.signature import signature_policy
from leapfrog_training.cli import app
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.packaging.signing import make_keys

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.timeout(600)  # a minute and a half of tracing and converting on two quiet cores
def test_the_commands_make_a_package_that_measures_heads(
    made_up_heads: Any, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{subject:03}_HC.png" for subject in range(20)]
    data = made_up_heads.write(names, validation=["016", "017", "018", "019"])
    make_head_networks_tiny(monkeypatch)
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
