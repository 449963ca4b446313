"""From pictures in the layouts of both nerve sets to a report of a real scan. The networks are too small and too
briefly trained to see a nerve there: what is outlined and measured is tested in `test_outlining.py`.
"""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")

from typer.testing import CliRunner

from leapfrog.commands.read import read_files
from leapfrog.exam import PictureHints
from leapfrog.packages.manifest import Manifest
from leapfrog.packages.package import load_package
from leapfrog.settings import load_settings
from leapfrog_training.cli import app

pytestmark = pytest.mark.filterwarnings("ignore")


def made(folders: list[Path], imagenet: Path, directory: Path) -> Path:
    """The package that the commands make of the data sets in `folders`."""
    run, out = str(directory / "run"), directory / "packages" / "nerve"
    data = [option for folder in folders for option in ("--data", str(folder))]
    short = ["--seeds", "1", "--folds", "2", "--imagenet", str(imagenet)]
    for command in (
        ["train", "nerve", *data, "--out", run, *short],
        ["evaluate", run, *data],
        ["package", run, "--out", str(out), "--version", "0.1.0"],
    ):
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    return out


def checked(package: Path) -> Manifest:
    """The package's manifest; its card, figure and measurements agree."""
    manifest = load_package(package).manifest
    card = (package / "card.md").read_text()
    assert manifest.caution in card and f"{manifest.metrics['shipped']['nerve_dice']:.3f}" in card
    assert (package / "dice.png").exists()
    assert manifest.input.field == "scan" and not any(rule.urgent for rule in manifest.finding)
    return manifest


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("tiny_nerve_networks")
def test_a_package_of_both_sets_goes_from_sets_to_a_report_of_a_real_scan(
    made_up_nerves: Any, made_up_usgra: Any, made_up_heads: Any, shared_data: Path, tmp_path: Path
) -> None:
    folders = [
        made_up_nerves.write(patients=5, each=2),
        made_up_usgra.write(train=8, validation=3),
        made_up_heads.write(["000_HC.png", "001_HC.png", "002_HC.png"], validation=["002"]),
    ]
    package = made(folders, shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite", tmp_path)
    manifest = checked(package)
    assert [(rule.name, rule.drawn) for rule in manifest.finding] == [("Nerve", "outline"), ("Vessel", "hatched")]
    assert {"heads_outlined", "nerve_free_parts_outlined", "vessel_dice"} <= {*manifest.metrics["shipped"]}
    assert (tmp_path / "run" / "examples" / "outlines.png").exists()

    scans = sorted((shared_data / "dicom" / "us_brachial_GPL3").glob("*.dcm"))[:2]
    settings = tmp_path / "leapfrog.toml"
    settings.write_text(f'[station]\nstate_dir = "{tmp_path / "state"}"\n[models]\npaths = ["{package.parent}"]\n')
    results = read_files(scans, tmp_path / "out", load_settings(settings), PictureHints(), progress=None)
    reports = {result.report for result in results if result.report is not None}
    images = [image for report in reports for image in json.loads(report.with_suffix(".json").read_text())["images"]]
    assert len(images) == len(scans)
    assert {(image["model"]["name"], image["model"]["version"]) for image in images} == {("nerve", "0.1.0")}
    assert {image["outcome"] for image in images} <= {"findings", "nothing_found"}


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("tiny_nerve_networks")
def test_kaggle_alone_makes_a_package_without_vessels_and_with_its_own_metric(
    made_up_nerves: Any, shared_data: Path, tmp_path: Path
) -> None:
    data = made_up_nerves.write(patients=6, each=4)
    manifest = checked(made([data], shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite", tmp_path))
    assert [rule.name for rule in manifest.finding] == ["Nerve"]
    assert "kaggle" in manifest.metrics["shipped"] and "vessel_dice" not in manifest.metrics["shipped"]
