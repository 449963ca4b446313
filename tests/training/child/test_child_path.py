"""chest-child from made-up films to a package, in a few steps. Skipped without TensorFlow."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.child.recipe import made_up

from typer.testing import CliRunner

from leapfrog.errors import UsageError
from leapfrog.packages.package import load_package
from leapfrog_training.child import reading
from leapfrog_training.child.evaluation import covered
from leapfrog_training.child.manifest import NOT_SHOWN
from leapfrog_training.child.sides import training_sides
from leapfrog_training.cli import app
from leapfrog_training.datasets.children_kermany import ChildFilm, Diagnosis, open_children
from support.made_up_films import listed_children

pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_commands_make_a_package_that_says_what_was_shown(
    made_up_children: Any, tiny_networks: Any, shared_data: Path, tmp_path: Path
) -> None:
    data = made_up_children.write(listed_children(24))
    run, out = tmp_path / "run", tmp_path / "chest-child"
    imagenet = shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
    train = ["train", "chest-child", "--data", str(data), "--out", str(run), "--imagenet", str(imagenet)]
    for command in (
        [*train, "--seeds", "1"],
        ["evaluate", str(run), "--data", str(data)],
        ["package", str(run), "--out", str(out), "--version", "0.1.0"],
    ):
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output

    manifest = load_package(out).manifest
    (rule,) = manifest.finding
    assert rule.code.meaning == "Pneumonia"
    assert manifest.outputs.heatmap is None
    ages = manifest.applies_to.ages_years
    assert ages is not None and (ages.lowest, ages.highest) == (1, 5)
    controls = manifest.metrics["control"]
    assert set(controls) == {reading.LUNGS_MASKED, reading.BORDER_ALONE, reading.OTHER_GRAYS, reading.OTHER_FRAME}
    shown = manifest.metrics["shown_to_look_at_the_lungs"]
    assert rule.urgent is shown
    assert manifest.caution == ("" if shown else NOT_SHOWN)
    assert manifest.input.field == "exposed"
    heading, outside, left_out, *_ = filter(None, (out / "card.md").read_text().splitlines())
    assert heading == "# chest-child 0.1.0"
    assert outside.startswith("No hospital outside its training data tested this version")
    assert left_out.startswith("Leaving one source out of the training is not possible")
    assert (NOT_SHOWN in (out / "card.md").read_text()) is not shown
    assert {"roc.png", "controls.png"} <= set(manifest.files)
    assert json.loads((run / "run.json").read_text())["folds"] == 0
    assert not list(run.rglob("unfinished"))
    assert (run / "curves.png").exists() and (run / "curves-quantized.png").exists()


def test_no_group_is_fitted_and_held_out(made_up_children: Any) -> None:
    data = open_children(made_up_children.write(listed_children(24)))
    sides = training_sides(data)
    assert len(sides.fitted) + len(sides.held_out) == len(data.in_split("train"))
    assert sides.held_out
    assert not {film.patient for film in sides.fitted} & {film.patient for film in sides.held_out}


def test_too_few_films_of_a_kind_are_refused(made_up_children: Any) -> None:
    few = [
        film
        for film in listed_children(24)
        if not (film[1] == "virus" and film[3] == "validation" and film[0] > "virus-2")
    ]
    with pytest.raises(UsageError, match=r"virus: only \d films on the side test"):
        covered(open_children(made_up_children.write(few)))


def test_half_of_the_films_made_are_healthy_and_both_kinds_of_pneumonia_are_as_many() -> None:
    """However many there are of each; where the lungs are hidden the answer is one half."""
    kinds = [Diagnosis.NORMAL] * 5 + [Diagnosis.BACTERIAL] * 40 + [Diagnosis.VIRAL] * 15
    children = [ChildFilm(Path(str(number)), str(number), kind, "train") for number, kind in enumerate(kinds)]
    grays = np.arange(60, dtype=np.uint8)[:, np.newaxis, np.newaxis, np.newaxis]
    made = made_up(children, np.broadcast_to(grays, (60, 8, 8, 1)), 1200, seed=1)
    assert set(np.unique(made.targets)) == {0, 0.5, 1}
    assert made.targets.mean() == pytest.approx(0.5, abs=0.04)
    drawn = np.array([kinds[index] for index in made.pictures._lungs])  # type: ignore[attr-defined]
    for kind, share in ((Diagnosis.NORMAL, 0.5), (Diagnosis.BACTERIAL, 0.25), (Diagnosis.VIRAL, 0.25)):
        assert (drawn == kind).mean() == pytest.approx(share, abs=0.04)


def test_films_of_every_diagnosis_are_needed() -> None:
    healthy = [ChildFilm(Path("a"), "a", Diagnosis.NORMAL, "train")]
    with pytest.raises(ValueError, match="films of every group"):
        made_up(healthy, np.zeros((1, 8, 8, 1), np.uint8), 20, seed=1)
