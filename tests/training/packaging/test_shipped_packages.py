"""The packages that ship: sound, made for the Edge TPU, and worth what their manifest says."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from leapfrog.evaluation.scores import auroc, resample
from leapfrog.packages.package import SHIPPED_PACKAGES, ModelPackage, load_package
from leapfrog_training.chest import manifest as chest
from leapfrog_training.chest.films import Source, abnormal, normal_of, open_adults
from leapfrog_training.child import manifest as child
from leapfrog_training.datasets.children_kermany import open_children
from leapfrog_training.datasets.hc18 import open_hc18
from leapfrog_training.evaluate.controls import lungs_masked
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.films.reading import changed, plain, read
from leapfrog_training.head import manifest as head
from leapfrog_training.head.cutting import cut_heads
from leapfrog_training.head.evaluation import head_scores
from leapfrog_training.head.reading import head_answers, read_head
from leapfrog_training.nerve import manifest as nerve
from leapfrog_training.nerve.data import open_nerves
from leapfrog_training.nerve.evaluation import form_scores

LARGEST_BYTES = {"chest-findings": 2_800_000, "chest-child": 2_800_000, "fetal-head": 400_000, "nerve": 500_000}
# The highest version of each operation that edgetpu_compiler 16 takes for int8.
TAKEN = {
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "ADD": 2,
    "CONCATENATION": 2,
    "MAX_POOL_2D": 2,
    "AVERAGE_POOL_2D": 2,
    "PAD": 2,
    "LOGISTIC": 2,
    "MEAN": 2,
    "RESIZE_NEAREST_NEIGHBOR": 2,
    "QUANTIZE": 1,
}


@pytest.fixture(params=sorted(LARGEST_BYTES))
def package(request: pytest.FixtureRequest) -> ModelPackage:
    return load_package(SHIPPED_PACKAGES / request.param)


def test_an_exam_is_chosen_by_the_words_of_the_recipe(package: ModelPackage) -> None:
    recipes = {
        "chest-findings": chest.APPLIES_TO,
        "chest-child": child.APPLIES_TO,
        "fetal-head": head.APPLIES_TO,
        "nerve": nerve.APPLIES_TO,
    }
    assert package.manifest.applies_to == recipes[package.manifest.name]


def test_it_names_what_it_was_not_made_to_find(package: ModelPackage) -> None:
    manifest = package.manifest
    assert len(manifest.not_covered) >= 5
    recipes = {"chest-child": child.NOT_COVERED, "fetal-head": head.NOT_COVERED, "nerve": nerve.NOT_COVERED}
    assert manifest.not_covered == recipes.get(manifest.name, manifest.not_covered)


def operation_versions(model: bytes) -> Counter[tuple[str, int]]:
    """How often each operation occurs in a TFLite file, by name and version."""
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    parsed = schema.Model.GetRootAs(model, 0)
    codes = [parsed.OperatorCodes(index) for index in range(parsed.OperatorCodesLength())]
    named = [(names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())], code.Version()) for code in codes]
    graph = parsed.Subgraphs(0)
    return Counter(named[graph.Operators(index).OpcodeIndex()] for index in range(graph.OperatorsLength()))


def test_the_manifest_says_what_the_package_is(package: ModelPackage) -> None:
    manifest = package.manifest
    assert manifest.demonstration
    assert {"model.tflite", "card.md"} <= set(manifest.files)
    assert "no diagnosis" in manifest.intended_use
    assert manifest.data.licence and manifest.data.citation
    assert manifest.name in (package.folder / "card.md").read_text()


def test_the_model_is_int8_from_input_to_output(package: ModelPackage) -> None:
    manifest = package.manifest
    with KioskModel(package.model_path) as model:
        pass
    assert [spec.dtype for spec in (model.input, *model.outputs)] == ["int8"] * (1 + len(model.outputs))
    assert model.input.shape == (1, manifest.input.height, manifest.input.width, 1)
    # Scans are hardly ever white: the range that nerve's training saw ends 1.2 % below it, where grays saturate.
    assert model.input.scale == pytest.approx(2 / 255, rel=0.015)


def test_every_operation_is_one_that_the_edge_tpu_compiler_takes(package: ModelPackage) -> None:
    refused = [
        f"{name} {version}"
        for name, version in operation_versions(package.model_path.read_bytes())
        if version > TAKEN.get(name, 0)
    ]
    assert refused == []


def test_the_model_is_small(package: ModelPackage) -> None:
    assert package.model_path.stat().st_size <= LARGEST_BYTES[package.manifest.name]


def test_chest_findings_calls_as_many_normal_films_as_its_manifest_says_and_no_more_than_promised(
    shared_data: Path,
) -> None:
    package = load_package(SHIPPED_PACKAGES / "chest-findings")
    films = open_adults([shared_data / "chestxray14", shared_data / "adults_rsna_normal"]).in_split("test")
    with KioskModel(package.model_path) as model:
        shown = read(model, package.manifest, plain(films), len(films))
    claimed = package.manifest.metrics
    for source in Source:
        normal = normal_of(films, source)
        assert shown.any_urgent[normal].mean() == pytest.approx(claimed["urgent"][f"{source} normal"], abs=0.01)
        assert shown.any_flag[normal].mean() == pytest.approx(claimed["flagged"][f"{source} normal"], abs=0.01)
    assert shown.any_flag[normal_of(films, Source.RSNA_NORMAL)].mean() <= 0.2
    scores = shown.scores[:, 0]
    assert auroc(abnormal(films), scores) >= 0.8


def test_chest_child_reproduces_its_scores_and_tells_nothing_from_masked_lungs(shared_data: Path) -> None:
    package = load_package(SHIPPED_PACKAGES / "chest-child")
    films = open_children(shared_data / "children_kermany").in_split("test")
    sick = np.array([film.has_pneumonia for film in films])
    some = films[::3]
    with KioskModel(package.model_path) as model:
        shown = read(model, package.manifest, plain(films), len(films))
        masked = read(model, package.manifest, changed(lungs_masked, some), len(some))
    measured = auroc(sick, shown.scores[:, 0])
    assert measured == pytest.approx(package.manifest.metrics["shipped"]["auroc"], abs=0.002)
    assert measured >= 0.975
    assert shown.flagged[sick, 0].mean() >= 0.87 and shown.flagged[~sick, 0].mean() <= 0.05
    assert 0.3 <= auroc(sick[::3], masked.scores[:, 0]) <= 0.7
    assert package.manifest.caution


def test_fetal_head_reproduces_its_scores(shared_data: Path) -> None:
    package = load_package(SHIPPED_PACKAGES / "fetal-head")
    images = open_hc18(shared_data / "hc18").in_split("test")
    with KioskModel(package.model_path) as model:
        heads = [read_head(package.manifest, answer) for answer in head_answers(model, images)]
    scores = head_scores(heads, resample([image.patient for image in images]))
    claimed = package.manifest.metrics["shipped"]
    assert scores.dice.value == pytest.approx(claimed["dice"], abs=0.0005)
    assert scores.absolute_error_mm.value == pytest.approx(claimed["absolute_error_mm"], abs=0.05)
    assert scores.dice.value >= 0.975
    assert scores.absolute_error_mm.value <= 2.0
    assert scores.not_measured <= 1
    sizes = np.array([reading.image.head_circumference_mm for reading in heads])
    errors = np.array([np.nan if reading.error_mm is None else reading.error_mm for reading in heads])
    quarter = np.searchsorted(np.quantile(sizes, (0.25, 0.5, 0.75)), sizes)
    assert all(abs(np.nanmean(errors[quarter == one])) < 1.0 for one in range(4))


def test_fetal_head_measures_at_most_two_of_fifty_cut_heads(shared_data: Path) -> None:
    package = load_package(SHIPPED_PACKAGES / "fetal-head")
    images = open_hc18(shared_data / "hc18").in_split("test")[::16]
    with KioskModel(package.model_path) as model:
        found = cut_heads(model, package.manifest, images)
    assert found.pictures >= 45
    assert found.measured <= 2  # both cut by their lower side


def test_nerve_reproduces_its_scores_and_sees_few_nerves_where_there_are_none(shared_data: Path) -> None:
    package = load_package(SHIPPED_PACKAGES / "nerve")
    pictures = open_nerves([shared_data / "nerves_usgra", shared_data / "hc18"]).in_split("test")
    thresholds = {rule.name: rule.threshold for rule in package.manifest.finding}
    with KioskModel(package.model_path) as model:
        scores, _ = form_scores(model, pictures, thresholds)
    claimed = package.manifest.metrics["shipped"]
    assert scores.first.nerve.value == pytest.approx(claimed["nerve_dice"], abs=0.005)
    assert scores.first.vessel is not None and scores.parts is not None and scores.heads is not None
    assert scores.first.vessel.value == pytest.approx(claimed["vessel_dice"], abs=0.005)
    assert scores.parts.value <= 0.1 and scores.heads.value <= 0.02
    assert package.manifest.caution and package.manifest.aid
    assert not any(rule.urgent for rule in package.manifest.finding)
