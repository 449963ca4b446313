"""A run of chest-findings measured from its files to card and package, with tiny models that see bright and dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from leapfrog.packages.package import load_package
from leapfrog_training.chest import rules
from leapfrog_training.chest.evaluation import ChestEvaluation, evaluate_chest
from leapfrog_training.chest.films import folds_of
from leapfrog_training.cli import app
from leapfrog_training.datasets.chestxray14 import open_chestxray14
from leapfrog_training.errors import RunError
from leapfrog_training.evaluate import latency, scores
from leapfrog_training.evaluate.classification import Answers, answers
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.run.folder import PackageName, Run, RunNotes, begin_run
from support.tiny_models import classifier_content

pytest.importorskip("matplotlib", reason="evaluate draws with matplotlib, which the extra `training` brings")

GRAYS = {"Pneumonia": 190, "Edema": 60, "No Finding": 128}  # the tiny classifier sees bright, dark, and nothing
LARGEST_FIGURE_BYTES = 60_000
LEAST_PICTURES = 24


@dataclass
class Measured:
    """A run with its data."""

    run: Run
    data: Path

    def command(self, *words: str) -> Result:
        return CliRunner().invoke(app, [words[0], str(self.run.folder), *words[1:]], catch_exceptions=False)

    def evaluate(self) -> ChestEvaluation:
        evaluation, _ = evaluate_chest(self.run, open_chestxray14(self.data))
        return evaluation

    def repaint(self, list_file: str, seed: int) -> None:
        """Other films under the same names and labels, on one side."""
        random = np.random.default_rng(seed)
        films = {film.path: film for film in open_chestxray14(self.data).records}
        for name in (self.data / list_file).read_text().split():
            path = self.data / "images" / name
            label = next(iter(films[path].labels), "No Finding")
            paint(path, GRAYS[label] + int(random.integers(-70, 30)))


def paint(path: Path, gray: int) -> None:
    """A film that is all of one gray but for its upper left quarter, which is brighter."""
    picture = np.full((64, 64), np.clip(gray, 0, 255), np.uint8)
    picture[:32, :32] = np.clip(gray + 30, 0, 255)
    Image.fromarray(picture).save(path)


@pytest.fixture
def measured(made_up_chest: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measured:
    monkeypatch.setattr(scores, "RESAMPLES", 40)
    monkeypatch.setattr(latency, "RUNS", 3)
    films = []
    for number in range(2 * LEAST_PICTURES):
        label = list(GRAYS)[number % 3]
        listed = "test_list.txt" if number % 2 else "train_val_list.txt"
        films.append((f"{number:08}_000.png", label, str(number), listed))
    data = made_up_chest.write(films)
    box = "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
    boxed = [name for name, label, _, _ in films if label == "Pneumonia"][:4]
    rows = "".join(f"{name},Pneumonia,0,0,512,512\n" for name in boxed)
    (data / "BBox_List_2017.csv").write_text(box + rows)
    notes = RunNotes(package=PackageName.CHEST_FINDINGS, seeds=2, folds=2, findings=("Pneumonia", "Edema"), left_out=())
    run = begin_run(tmp_path / "run", notes)
    for job in run.jobs():
        for path in (job.int8, job.ptq, job.float32):
            path.write_bytes(classifier_content())
    made = Measured(run, data)
    made.repaint("train_val_list.txt", seed=1)
    made.repaint("test_list.txt", seed=2)
    paths = [film.path for film in open_chestxray14(data).in_split("test")]
    with KioskModel(run.seed(0).int8) as model:
        maps = answers(model, paths).maps
    for seed in range(notes.seeds):
        np.save(run.seed(seed).aware_heat_maps, maps + np.float32(0.25))
    return made


def test_the_commands_leave_a_card_with_figures_in_the_package_and_examples_in_the_run(
    measured: Measured, tmp_path: Path
) -> None:
    assert measured.command("evaluate", "--data", str(measured.data)).exit_code == 0
    assert measured.command("package", "--out", str(tmp_path / "package"), "--version", "9.9").exit_code == 0
    package = load_package(tmp_path / "package")
    figures = {name for name in package.manifest.files if name.endswith(".png")}
    assert figures == {"auroc.png", "roc.png", "reliability.png"}
    card = (package.folder / "card.md").read_text()
    for name in figures:
        assert f"]({name})" in card
        assert (package.folder / name).stat().st_size < LARGEST_FIGURE_BYTES
        with Image.open(package.folder / name) as picture:
            assert min(picture.size) >= 240
    examples = {path.name for path in measured.run.examples.iterdir()}
    assert "pneumonia-found-1.png" in examples
    assert not examples & set(package.manifest.files)
    assert f"{package.manifest.metrics['shipped']['mean_auroc']:.3f} [" in card
    assert "Which films each decision was based on" in card


def test_every_form_is_measured_and_what_is_alike_differs_by_nothing(measured: Measured) -> None:
    evaluation = measured.evaluate()
    shipped = evaluation.shipped
    assert set(shipped.forms) == set(shipped.sizes) == set(Form)
    assert 0.5 < shipped.forms[Form.INT8].mean_auroc.value < 1.0
    assert (shipped.int8_minus_float32.low, shipped.int8_minus_float32.high) == (0.0, 0.0)
    assert shipped.maps_like_float32 == pytest.approx(1.0)
    assert shipped.maps_like_simulated == pytest.approx(1.0)  # a brighter map is the same map
    assert {(one.form, one.threads) for one in evaluation.latencies.measured} == {
        (form, threads) for form in Form for threads in (1, 2)
    }
    assert all(0 < one.median_ms <= one.percentile_95_ms for one in evaluation.latencies.measured)


def test_a_training_film_is_answered_only_by_the_fold_that_held_it_out(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = open_chestxray14(measured.data).in_split("train")
    shown: list[set[Path]] = []

    def remember(model: KioskModel, pictures: Sequence[Path]) -> Answers:
        shown.append(set(pictures))
        return answers(model, pictures)

    monkeypatch.setattr(rules, "answers", remember)
    held_out = rules.held_out_answers(measured.run, films)
    folds = folds_of(films, measured.run.notes.folds)
    assert shown == [{films[position].path for position in fold.held_out} for fold in folds]
    with KioskModel(measured.run.seed(0).int8) as model:
        in_order = answers(model, [film.path for film in films])
    assert np.array_equal(held_out.scores, in_order.scores)


def test_the_pointing_game_is_over_the_boxes_of_both_sides(measured: Measured) -> None:
    game = measured.evaluate().shipped.pointing
    assert game is not None
    assert (game.boxes, game.films) == (4, 4)
    assert game.hit_rate.value == 1.0  # the bright quarter is in the box
    assert game.chance == pytest.approx(0.25)


def test_thresholds_see_no_validation_film(measured: Measured) -> None:
    before = measured.evaluate()
    measured.repaint("test_list.txt", seed=9)
    after = measured.evaluate()
    assert after.rules == before.rules
    assert after.seeds[0].forms != before.seeds[0].forms
    measured.repaint("train_val_list.txt", seed=9)
    films, findings = open_chestxray14(measured.data).in_split("train"), measured.run.notes.findings
    assert rules.cross_validated_rules(findings, films, rules.held_out_answers(measured.run, films)) != before.rules


def test_an_evaluation_is_read_back_as_it_was_written(measured: Measured) -> None:
    evaluation = measured.evaluate()
    assert ChestEvaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


def test_a_run_without_the_maps_of_the_simulated_network_says_what_to_do(measured: Measured) -> None:
    measured.run.seed(0).aware_heat_maps.unlink()
    with pytest.raises(RunError, match=r"leapfrog-train quantize` again"):
        measured.evaluate()


def test_a_run_that_was_not_quantized_says_what_to_do(measured: Measured) -> None:
    measured.run.fold(1).int8.unlink()
    with pytest.raises(RunError, match="leapfrog-train quantize"):
        measured.evaluate()
