"""From pictures in the layout of Kaggle's nerve set to an outline and an area on the report of a real scan."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog.evaluation import scores
    from leapfrog_training.architectures import mobile_unet
    from leapfrog_training.fitting import loop, quantize
    from leapfrog_training.nerve import recipe

from typer.testing import CliRunner

from leapfrog.commands.read import read_files
from leapfrog.exam import PictureHints
from leapfrog.packages.package import load_package
from leapfrog.settings import load_settings
from leapfrog_training.cli import app

pytestmark = pytest.mark.filterwarnings("ignore")
SMALL = {"HEIGHT": 32, "WIDTH": 48, "MASK_HEIGHT": 16, "MASK_WIDTH": 24}


def make_package(data: Path, imagenet: Path, directory: Path) -> Path:
    """The package that the four commands make of `data`."""
    run, out = str(directory / "run"), directory / "packages" / "brachial-plexus"
    for command in (
        ["fit", "brachial-plexus", "--data", str(data), "--out", run, "--seeds", "1", "--imagenet", str(imagenet)],
        ["quantize", run, "--data", str(data)],
        ["evaluate", run, "--data", str(data)],
        ["package", run, "--out", str(out), "--version", "0.1"],
    ):
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    return out


@pytest.mark.timeout(600)
def test_a_package_made_from_the_kaggle_layout_outlines_and_measures_in_real_scans(
    made_up_nerves: Any, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = made_up_nerves.write(patients=8, each=6)
    monkeypatch.setattr(recipe, "SCHEDULE", loop.Schedule(epochs=30, batch=8, learning_rate=2e-3))
    monkeypatch.setattr(recipe, "QUANTIZED_SCHEDULE", loop.Schedule(epochs=1, batch=8, learning_rate=1e-4))
    monkeypatch.setattr(quantize, "REPRESENTATIVE_PICTURES", 4)
    monkeypatch.setattr(scores, "RESAMPLES", 20)
    for name, value in SMALL.items():
        monkeypatch.setattr(mobile_unet, name, value)
    package = make_package(data, shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite", tmp_path)
    metrics = load_package(package).manifest.metrics
    assert metrics["kaggle"] > metrics["kaggle_of_nothing"]
    assert metrics["shipped"]["dice_not_empty"] > 0.5
    assert f"{metrics['kaggle']:.3f}" in (package / "card.md").read_text()

    scans = sorted((shared_data / "dicom" / "us_brachial_GPL3").glob("*.dcm"))
    settings = tmp_path / "leapfrog.toml"
    settings.write_text(f'[station]\nstate_dir = "{tmp_path / "state"}"\n[models]\npaths = ["{package.parent}"]\n')
    results = read_files(scans, tmp_path / "out", load_settings(settings), PictureHints(), progress=None)
    reports = {result.report for result in results if result.report is not None}
    images = [image for report in reports for image in json.loads(report.with_suffix(".json").read_text())["images"]]
    assert len(images) == len(scans)
    assert {image["outcome"] for image in images} <= {"findings", "nothing_found"}
    measured = [finding for image in images for finding in image["findings"] if finding["measurement"]]
    assert measured
    for finding in measured:
        assert finding["contour"]
        assert finding["measurement"]["unit"] == "mm2"
        assert 1 < finding["measurement"]["value"] < 1000  # the scans show about 40 mm x 27 mm
    pages = [report.read_text() for report in reports]
    assert any("Brachial plexus area" in page and "mm²" in page for page in pages)
