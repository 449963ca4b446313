"""chest-findings from made-up films of both sources to a package, in a few steps. Skipped without TensorFlow."""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.chest import recipe

import numpy as np
from typer.testing import CliRunner

from leapfrog.packages.package import load_package
from leapfrog_training.chest.decisions import shipped
from leapfrog_training.chest.decisions.told_views import told_views
from leapfrog_training.chest.films import Source, covered_findings, open_adults
from leapfrog_training.chest.task import CHEST
from leapfrog_training.cli import app
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.run.folder import PackageName, open_run
from leapfrog_training.tasks import TASKS
from support.made_up_films import listed_adults, listed_normals

pytestmark = pytest.mark.filterwarnings("ignore")

BOXED = "00000000_000.png"
YOUNG = "00000005_000.png"


def test_the_commands_make_a_package_with_card_and_figures(
    made_up_chest: Any,
    made_up_normals: Any,
    tiny_networks: Any,
    shared_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed, views = listed_adults(training=84, test=48)
    chest = made_up_chest.write(listed, views=views, ages={YOUNG: "9"})
    normal = made_up_normals.write(listed_normals(36))
    (chest / "BBox_List_2017.csv").write_text(
        f"Image Index,Finding Label,Bbox [x,y,w,h],,,\n{BOXED},Pneumonia,0,0,1024,1024,,,\n"
    )
    assert covered_findings(open_adults([chest, normal])) == ("Pneumonia", "Edema")
    monkeypatch.setattr(shipped, "CHANCE", 1.0)  # so that edema is not told from other abnormal films, by any draw
    # To save time: the children's path trains in simulated int8, and the evaluation's test has both sources.
    monkeypatch.setattr(recipe, "following", lambda model, *settings: model)
    one_source = replace(CHEST, without=(Source.RSNA_NORMAL.value,))
    monkeypatch.setitem(TASKS, PackageName.CHEST_FINDINGS, one_source)
    run, out = tmp_path / "run", tmp_path / "chest-findings"
    imagenet = shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
    data = ["--data", str(chest), "--data", str(normal)]
    train = ["train", "chest-findings", *data, "--out", str(run), "--imagenet", str(imagenet)]
    for command in (
        [*train, "--seeds", "1", "--folds", "2"],
        ["evaluate", str(run), *data],
        ["package", str(run), "--out", str(out), "--version", "2.0.0"],
        ["table", str(run), "--no-baselines", "--out", str(tmp_path / "table")],
    ):
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output

    views_of_normals = told_views(open_run(run))
    assert set(views_of_normals) == {name for name, _ in listed_normals(36)}
    assert set(views_of_normals.values()) <= {"PA", "AP"}

    manifest = load_package(out).manifest
    assert manifest.version == "2.0.0"
    assert [rule.code.meaning for rule in manifest.finding] == ["Pneumonia"]
    assert "Pulmonary edema (told from healthy films, but not from other abnormal ones)" in manifest.not_covered
    with KioskModel(out / "model.tflite") as model:
        assert [spec.shape for spec in model.outputs] == [(1, 2)]  # pneumonia, and the view
    assert manifest.view is not None and manifest.view.column == 1
    assert manifest.finding[0].by_view is not None
    assert manifest.input.field == "exposed"
    assert manifest.outputs.heatmap is None
    ages_years = manifest.applies_to.ages_years
    assert ages_years is not None and (ages_years.lowest, ages_years.highest) == (15, None)

    heading, outside, left_out, *_ = filter(None, (out / "card.md").read_text().splitlines())
    assert heading == "# chest-findings 2.0.0"
    assert outside == "No hospital outside its training sources tested this version."
    assert left_out.startswith("Trained without other NIH films that RSNA's radiologists read as normal")
    assert {"trade-off.png", "auroc.png", "controls.png"} <= set(manifest.files)
    assert set(manifest.metrics["without"]) == {"RSNA-normal"}
    assert list((run / "examples").glob("*.png"))
    assert not {path.name for path in (run / "examples").iterdir()} & {path.name for path in out.iterdir()}

    notes = json.loads((run / "run.json").read_text())
    assert notes["shipped"] == ["Pneumonia"] and set(notes["within_abnormal"]) == {"Edema"}
    assert any("too young, 9 years" in problem for problem in notes["left_out"])
    (row,) = json.loads((tmp_path / "table" / "table.json").read_text())["rows"]
    assert row["ratio"] == pytest.approx(row["float_bytes"] / row["int8_bytes"], abs=0.01)
    assert row["edge_tpu_measured"] is False and row["edge_tpu_low_ms"] < row["edge_tpu_ms"] < row["edge_tpu_high_ms"]
    assert json.loads((run / "made-by.json").read_text())[0]["devices"] == "cpu"
    for network in ("seed-0", "fold-0", "fold-1", "without-rsna-normal"):
        assert (run / network / "int8.tflite").exists() and (run / network / "curves.png").exists()
    assert sum(len(np.load(run / f"fold-{fold}" / "held_out_maps.npy")) for fold in range(2)) == 1  # the boxed film
    assert not list(run.rglob("unfinished"))
    assert (run / "curves.png").exists()
