"""A run of chest-findings measured from its files to card and package, with tiny models that see cells of a film."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from leapfrog.evaluation import scores
from leapfrog.packages.package import ModelPackage, load_package
from leapfrog_training.chest.decisions import rules
from leapfrog_training.chest.decisions.told_views import VIEWS_FILE, keep_told_views, told_views
from leapfrog_training.chest.evaluation import evaluation as evaluation_module
from leapfrog_training.chest.evaluation.controls import BORDER_ALONE, LUNGS_MASKED, SICK_GRAYS
from leapfrog_training.chest.evaluation.cues import CUES
from leapfrog_training.chest.evaluation.evaluation import ChestEvaluation, evaluate_chest
from leapfrog_training.chest.films import (
    AdultFilm,
    Adults,
    Source,
    abnormal,
    folds_of,
    open_adults,
    with_boxes,
    with_views,
)
from leapfrog_training.chest.task import CHEST
from leapfrog_training.errors import RunError
from leapfrog_training.evaluate import latency
from leapfrog_training.evaluate.changes import CHANGES
from leapfrog_training.evaluate.controls import LUNGS, distance_from_lungs
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.films.reading import raw_scores
from leapfrog_training.run.folder import PackageName, Run, RunNotes, begin_run
from support.made_up_films import MadeUpChest, MadeUpNormals
from support.tiny_models import linear_content

pytest.importorskip("matplotlib", reason="evaluate draws with matplotlib, which the extra `training` brings")

SIDE = 56
LARGEST_FIGURE_BYTES = 120_000
# Of each: labels, view (told for the second source), training and validation films.
KINDS = (
    ("Edema|Pneumonia", "AP", 24, 12), ("Pneumonia", "AP", 12, 8), ("Edema|Pneumonia", "PA", 3, 2),
    ("Pneumonia", "PA", 21, 12), ("No Finding", "AP", 15, 10), ("No Finding", "PA", 15, 10),
)  # fmt: skip
NORMALS = (("AP", 15, 10), ("PA", 30, 15))


def gray_of(labels: str, view: str, seed: int) -> NDArray[np.uint8]:
    """A film whose lungs are opaque with pneumonia, below most with edema; AP films have bright corners."""
    random = np.random.default_rng(seed)
    film = random.integers(105, 135, (SIDE, SIDE)).astype(float)
    lungs = distance_from_lungs(film.astype(np.uint8)) <= 1
    below = np.arange(SIDE)[:, np.newaxis] > SIDE * LUNGS[0].y
    film[lungs] += random.normal(25 if "Pneumonia" in labels else 0, 9)
    film[lungs & below] += random.normal(30 if "Edema" in labels else 0, 9)
    corner = SIDE // 7
    film[-corner:, :corner] += 50 if view == "AP" else -30
    film[-corner:, -corner:] += 50 if view == "AP" else -30
    return film.clip(0, 255).astype(np.uint8)


def model_of_lungs() -> bytes:
    """Columns for pneumonia (the upper lungs), edema (the lower ones) and the view (the lower corners)."""
    weights = np.zeros((3, 7, 7))
    weights[0][1:3, [1, 2, 4, 5]] = 1.5
    weights[1][3:5, [1, 2, 4, 5]] = 1.5
    weights[2][6, [0, 6]] = 4
    return linear_content(weights, np.array([-1.0, -2.0, 0.0]))


@dataclass
class Measured:
    """A run with its data."""

    run: Run
    folders: tuple[Path, Path]

    @property
    def data(self) -> Adults:
        return open_adults(self.folders)

    @property
    def training(self) -> tuple[AdultFilm, ...]:
        return with_views(self.data.in_split("train"), told_views(self.run))

    def evaluate(self) -> ChestEvaluation:
        evaluation, _ = evaluate_chest(self.run, self.data)
        return evaluation

    def repaint(self, split: str, seed: int) -> None:
        """Other films under the same names, labels and views, on one side."""
        for number, film in enumerate(with_views(self.data.records, told_views(self.run))):
            if film.split == split:
                labels = "|".join(film.labels)
                Image.fromarray(gray_of(labels, film.view, seed * 1000 + number)).save(film.path)


@pytest.fixture(scope="module")
def few() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "RESAMPLES", 40)
        patch.setattr(latency, "RUNS", 3)
        yield


def made_in(folder: Path) -> Measured:
    """A run with its networks, which all see the same; those without a source call every film abnormal."""
    listed: list[tuple[str, str, str, str]] = []
    views = {}
    for labels, view, training, validation in KINDS:
        for number in range(training + validation):
            name = f"{len(listed):08}_000.png"
            side = "train_val_list.txt" if number < training else "test_list.txt"
            listed.append((name, labels, str(len(listed)), side))
            views[name] = view
    chest = MadeUpChest(folder / "chest").write(listed, views=views)
    normals, told = [], {}
    for view, training, validation in NORMALS:
        for number in range(training + validation):
            name = f"Normal-{view}-{number}.png"
            normals.append((name, "train" if number < training else "validation"))
            told[name] = view
    sick = [(name, side) for name, labels, _, side in listed if "Pneumonia" in labels]
    boxed = [name for name, side in sick if side.startswith("train")][:6]
    boxed += [name for name, side in sick if side.startswith("test")][:4]
    rows = "".join(f"{name},Pneumonia,0,0,512,512\n" for name in boxed)
    (chest / "BBox_List_2017.csv").write_text("Image Index,Finding Label,Bbox [x,y,w,h],,,\n" + rows)
    notes = RunNotes(
        package=PackageName.CHEST_FINDINGS,
        seeds=2,
        folds=2,
        findings=("Pneumonia", "Edema", "Effusion", "Atelectasis"),
        left_out=(),
        without=tuple(source.value for source in Source),
        epochs=1,
        shipped=("Pneumonia", "Edema"),
        within_abnormal={"Edema": (0.8, 0.7, 0.9), "Effusion": (0.52, 0.41, 0.63)},
    )
    run = begin_run(folder / "run", notes)
    keep_told_views(run, told)
    content = model_of_lungs()
    for job in run.jobs():
        for path in (job.int8, job.ptq, job.float32):
            path.write_bytes(content)
    alarmed = np.zeros((3, 7, 7))
    alarmed[2][6, [0, 6]] = 4
    run.without(Source.RSNA_NORMAL).int8.write_bytes(linear_content(alarmed, np.array([7.0, 7.0, 0.0])))
    made = Measured(run, (chest, MadeUpNormals(folder / "normals").write(normals)))
    made.repaint("train", seed=1)
    made.repaint("test", seed=2)
    not_seen = {run.seed(0): list(made.data.in_split("test"))}
    for fold, of_fold in enumerate(folds_of(made.training, notes.folds)):
        not_seen[run.fold(fold)] = [made.training[position] for position in of_fold.held_out]
    for job, films in not_seen.items():
        maps = np.zeros((len(with_boxes(films)), 5, 5), np.float32)
        maps[:, 1, 1] = 1
        np.save(job.held_out_maps, maps)
    return made


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, few: None) -> Measured:
    return made_in(tmp_path_factory.mktemp("chest"))


@pytest.fixture(scope="module")
def evaluation(measured: Measured) -> ChestEvaluation:
    """As the command evaluates: with figures and examples in the run's folder."""
    evaluation = CHEST.evaluate(measured.run, measured.data)
    measured.run.evaluation.write_text(evaluation.model_dump_json())
    return evaluation


@pytest.fixture(scope="module")
def package(measured: Measured, evaluation: ChestEvaluation, tmp_path_factory: pytest.TempPathFactory) -> ModelPackage:
    out = tmp_path_factory.mktemp("packages") / "package"
    CHEST.package(measured.run, out, "9.9")
    return load_package(out)


def test_a_card_with_figures_is_left_in_the_package_and_examples_in_the_run(
    measured: Measured, package: ModelPackage
) -> None:
    figures = {name for name in package.manifest.files if name.endswith(".png")}
    assert figures == {"trade-off.png", "auroc.png", "controls.png"}
    card = (package.folder / "card.md").read_text()
    for name in figures:
        assert f"]({name})" in card
        assert (package.folder / name).stat().st_size < LARGEST_FIGURE_BYTES
        with Image.open(package.folder / name) as picture:
            assert min(picture.size) >= 240
    examples = {path.name for path in measured.run.examples.iterdir()}
    assert "pneumonia-found.png" in examples
    assert not examples & set(package.manifest.files)


def test_the_card_begins_with_what_was_measured_outside(package: ModelPackage) -> None:
    """Nobody may come to trust more than holds who reads its first two lines only."""
    _, first, second, *_ = filter(None, (package.folder / "card.md").read_text().splitlines())
    assert first == "No hospital outside its training sources tested this version."
    without = (
        "Trained without other NIH films that RSNA's radiologists read as normal, the same recipe calls 25 of 25: 1.00"
    )
    assert without in second
    assert "both sources are of one hospital: expect worse at another" in second


def test_what_was_trained_for_and_does_not_ship_stands_under_not_covered_with_its_words(
    evaluation: ChestEvaluation, package: ModelPackage
) -> None:
    assert evaluation.not_shipped == {"Effusion": (0.52, 0.41, 0.63)}
    manifest = package.manifest
    assert [rule.name for rule in manifest.finding] == ["Features seen in pneumonia", "Pulmonary edema"]
    assert "Pleural effusion (told from healthy films, but not from other abnormal ones)" in manifest.not_covered
    assert "Pneumothorax" in manifest.not_covered
    card = (package.folder / "card.md").read_text()
    assert "Pleural effusion 0.52 [0.41 to 0.63]" in card
    assert evaluation.too_rare == ("Atelectasis",)
    assert "too rare in each view to be measured, and so not reported: Atelectasis." in card


def test_every_form_seed_cue_and_change_is_measured_and_what_is_alike_differs_by_nothing(
    evaluation: ChestEvaluation,
) -> None:
    assert set(evaluation.forms) == set(evaluation.sizes) == set(Form)
    assert 0.7 < evaluation.forms[Form.INT8].auroc.value < 1.0
    alike = evaluation.forms[Form.INT8].minus_float32
    assert (alike.low, alike.value, alike.high) == (0.0, 0.0, 0.0)
    assert [seed.seed for seed in evaluation.seeds] == [0, 1]
    assert set(evaluation.cues) == set(CUES)
    assert set(evaluation.changes) == set(CHANGES)
    assert {(one.form, one.threads) for one in evaluation.latencies.measured} == {
        (form, threads) for form in Form for threads in (1, 2)
    }


def test_the_views_are_told_and_each_has_its_own_rules(evaluation: ChestEvaluation) -> None:
    assert evaluation.shipped.views_told.value == 1
    pneumonia, edema = evaluation.rules
    assert pneumonia.views == ("PA", "AP")
    assert edema.views == ("AP",)  # 3 films in PA
    assert evaluation.shipped.pooled[1].positives == {"PA": 5, "AP": 36}
    assert evaluation.shipped.pooled[1].in_pa is None


def test_every_control_is_measured_for_every_seed(evaluation: ChestEvaluation) -> None:
    for seed in evaluation.seeds:
        assert set(seed.controls) == {LUNGS_MASKED, BORDER_ALONE, SICK_GRAYS}
        assert all(shown.urgent_rsna_normal.of == 25 for shown in seed.controls.values())
    metrics = evaluation.metrics()
    assert set(metrics["control"]) == {LUNGS_MASKED, BORDER_ALONE, SICK_GRAYS}
    assert metrics["hospitals_outside_the_training_data"] == 0


def test_a_network_without_a_source_is_measured_on_the_normal_films_of_that_source(
    evaluation: ChestEvaluation,
) -> None:
    """The one without RSNA-normal films calls every film; the other reads as the one that ships does."""
    of_source = {one.source: one for one in evaluation.without}
    assert (of_source["RSNA-normal"].urgent.hits, of_source["RSNA-normal"].urgent.of) == (25, 25)
    shipped = evaluation.shipped.shares.urgent["ChestX-ray14 normal"]
    assert (of_source["ChestX-ray14"].urgent.hits, of_source["ChestX-ray14"].urgent.of) == (shipped.hits, 20)


def test_boxes_are_measured_with_the_maps_of_a_network_that_had_not_seen_the_film(
    evaluation: ChestEvaluation,
) -> None:
    game = evaluation.pointing
    assert game is not None
    assert game.boxes == 6 + 4  # of training films by the folds, of validation films by the seed that ships
    assert game.hit_rate.value == 1.0
    assert not game.points  # the same map for every film


def test_a_training_film_is_answered_only_by_the_fold_that_held_it_out(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = measured.training
    shown: list[set[Path]] = []

    def remember(model: KioskModel, held_out: Sequence[AdultFilm]) -> NDArray[np.float32]:
        shown.append({film.path for film in held_out})
        return raw_scores(model, held_out)

    monkeypatch.setattr(rules, "raw_scores", remember)
    held_out = rules.held_out_scores(measured.run, films)
    folds = folds_of(films, measured.run.notes.folds)
    assert shown == [{films[position].path for position in fold.held_out} for fold in folds]
    with KioskModel(measured.run.seed(0).int8) as model:
        in_order = raw_scores(model, films)
    assert np.array_equal(held_out, in_order)


def test_an_evaluation_is_read_back_as_it_was_written(measured: Measured, evaluation: ChestEvaluation) -> None:
    assert CHEST.evaluation_of(measured.run) == evaluation


def test_thresholds_see_no_validation_film(
    few: None, evaluation: ChestEvaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CHANGES", "CUES"):
        monkeypatch.setattr(evaluation_module, name, {})
    other = made_in(tmp_path)
    other.repaint("test", seed=9)
    after = other.evaluate()
    assert after.rules == evaluation.rules
    assert after.seeds[0].validation != evaluation.seeds[0].validation
    other.repaint("train", seed=9)
    films, shipped = other.training, other.run.notes.shipped
    assert rules.rules_from(shipped, films, rules.held_out_scores(other.run, films)) != evaluation.rules


def test_a_run_that_was_not_quantized_or_whose_views_were_not_told_says_what_to_do(few: None, tmp_path: Path) -> None:
    measured = made_in(tmp_path)
    assert abnormal(measured.training).sum() == 60
    measured.run.fold(1).int8.unlink()
    with pytest.raises(RunError, match="leapfrog-train quantize"):
        measured.evaluate()
    (measured.run.folder / VIEWS_FILE).unlink()
    with pytest.raises(RunError, match=r"no views\.json: run `leapfrog-train fit` first"):
        measured.evaluate()
