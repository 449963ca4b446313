"""chest-findings from made-up films to a package, in a few steps. Skipped without TensorFlow."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.architectures import mobilenet_v2
    from leapfrog_training.chest import recipe
    from leapfrog_training.chest.loss import film_weights
    from leapfrog_training.evaluate import scores
    from leapfrog_training.fitting import loop, quantize

from typer.testing import CliRunner

from leapfrog.packages.package import load_package
from leapfrog_training.chest.films import folds_of
from leapfrog_training.cli import app
from leapfrog_training.datasets.chestxray14 import open_chestxray14
from leapfrog_training.evaluate import latency

pytestmark = pytest.mark.filterwarnings("ignore")


def films() -> list[tuple[str, str, str, str]]:
    """Enough of two findings on both sides, two films a patient, and a third finding that is too rare."""
    made = []
    for number in range(100):
        labels = ("Edema", "Effusion", "Edema|Effusion", "No Finding")[number // 2 % 4]
        labels = "Hernia" if number == 6 else labels
        side = "train_val_list.txt" if number < 64 else "test_list.txt"
        made.append((f"{number // 2:08}_{number % 2:03}.png", labels, str(number // 2), side))
    return made


def test_the_commands_make_a_package_with_card_and_figures(
    made_up_chest: Any, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = made_up_chest.write(films())
    (data / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
        "00000000_000.png,Edema,0,0,1024,1024,,,\n"
        "00000049_001.png,Effusion,0,0,0,0,,,\n"
        "00000001_000.png,Hernia,0,0,512,512,,,\n"
    )
    small = {
        "SIDE": 64,
        "FEATURES": 32,
        "STAGES": (mobilenet_v2.Stage(1, 8, 1, 1), mobilenet_v2.Stage(2, 8, 2, 2), mobilenet_v2.Stage(2, 16, 1, 2)),
        "load_imagenet": lambda model, path: None,  # there are no weights for a network this small
    }
    for name, value in small.items():
        monkeypatch.setattr(mobilenet_v2, name, value)
    monkeypatch.setattr(recipe, "SCHEDULE", loop.Schedule(epochs=1, batch=16, learning_rate=1e-4))
    monkeypatch.setattr(recipe, "QUANTIZED_SCHEDULE", loop.Schedule(epochs=1, batch=16, learning_rate=1e-5))
    monkeypatch.setattr(quantize, "REPRESENTATIVE_PICTURES", 4)
    monkeypatch.setattr(scores, "RESAMPLES", 20)
    monkeypatch.setattr(latency, "RUNS", 3)
    run, out = tmp_path / "run", tmp_path / "chest-findings"
    imagenet = shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
    train = ["train", "chest-findings", "--data", str(data), "--out", str(run), "--imagenet", str(imagenet)]
    for command in (
        [*train, "--seeds", "1", "--folds", "2"],
        ["evaluate", str(run), "--data", str(data)],
        ["package", str(run), "--out", str(out), "--version", "2.0.0"],
        ["table", str(run), "--no-baselines", "--out", str(tmp_path / "table")],
    ):
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output

    manifest = load_package(out).manifest
    assert manifest.version == "2.0.0"
    assert [rule.code.meaning for rule in manifest.finding] == ["Pulmonary edema", "Pleural effusion"]
    assert "Diaphragmatic hernia" in manifest.not_covered
    pointing = manifest.metrics["shipped"]["pointing_game"]
    assert (pointing["boxes"], pointing["hit_rate"], pointing["chance"]) == (2, 0.5, 0.5)  # Hernia is not covered
    card = (out / "card.md").read_text()
    assert "(roc.png)" in card and f"{manifest.metrics['mean_auroc']:.3f}" in card
    assert {"roc.png", "reliability.png"} <= set(manifest.files)
    assert list((run / "examples").glob("*.png"))
    assert not {path.name for path in (run / "examples").iterdir()} & {path.name for path in out.iterdir()}
    (row,) = json.loads((tmp_path / "table" / "table.json").read_text())["rows"]
    assert row["ratio"] == pytest.approx(row["float_bytes"] / row["int8_bytes"], abs=0.01)
    assert row["edge_tpu_measured"] is False and row["edge_tpu_low_ms"] < row["edge_tpu_ms"] < row["edge_tpu_high_ms"]
    made_by = json.loads((run / "made-by.json").read_text())
    assert made_by[0]["devices"] == "cpu"
    assert (run / "fold-0" / "curves.png").exists() and (run / "seed-0" / "tensorboard").is_dir()
    assert not list(run.rglob("unfinished"))
    assert (run / "curves.png").exists() and (run / "curves-quantized.png").exists()


def test_each_patient_of_a_fold_is_held_out_whole(made_up_chest: Any) -> None:
    listed = open_chestxray14(made_up_chest.write(films())).in_split("train")
    for fold in folds_of(listed, 4):
        held_out = {listed[position].patient for position in fold.held_out}
        assert not held_out & {listed[position].patient for position in fold.fit}


def test_a_film_counts_for_a_rare_finding_by_the_root_of_its_rarity() -> None:
    labels = np.array([[1, 1], [1, 0], [1, 0], [1, 0], [0, 0]], np.float32)
    weights = film_weights(labels)
    assert weights[0].tolist() == [pytest.approx(0.5), pytest.approx(2.0)]
    assert (weights[labels == 0] == 1).all()
