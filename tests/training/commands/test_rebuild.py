"""`leapfrog-train rebuild` from data sets to packages with their checks in front, with made-up pictures and tiny
networks: both chest packages, interrupted once and resumed, and nerve alone. Skipped without TensorFlow.
"""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.chest import recipe as chest_recipe
    from leapfrog_training.child import recipe as child_recipe

from typer.testing import CliRunner, Result

from leapfrog.packages.package import load_package
from leapfrog.reader.assess.check_in_front.checks import load_check
from leapfrog.reader.assess.check_in_front.defects import DefectCheck
from leapfrog.reader.assess.check_in_front.quality import QualityCheck
from leapfrog_training.chest.films import Source
from leapfrog_training.chest.task import CHEST
from leapfrog_training.cli import app
from leapfrog_training.quality import chest as chest_check
from leapfrog_training.quality import network, recipes
from leapfrog_training.run.folder import PackageName
from leapfrog_training.tasks import TASKS
from support.made_up_films import (
    MadeUpChest,
    MadeUpChildren,
    MadeUpNormals,
    listed_adults,
    listed_children,
    listed_normals,
)

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

PACKAGES = ("chest-findings", "chest-child")


class Interrupted(Exception):
    """Stands for the person who stops the command, or for the power that fails."""


@pytest.fixture
def data_sets(tmp_path: Path, shared_data: Path, made_up_heads: Any) -> Path:
    """The folder with every set that the command asks for, as the real one is laid out."""
    folder = tmp_path / "sets"
    adults, views = listed_adults(training=72, test=36)
    MadeUpChest(folder / "chestxray14").write(adults, views=views)
    MadeUpNormals(folder / "adults_rsna_normal").write(listed_normals(36))
    MadeUpChildren(folder / "children_kermany").write(listed_children(24))
    made_up_heads.root = folder / "hc18"
    made_up_heads.write([f"{number:03}_HC.png" for number in range(6)], validation=["000", "001"])
    (folder / "coral").symlink_to(shared_data / "coral")
    return folder


@pytest.fixture
def few_networks(tiny_networks: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """To save time only the children's network trains in simulated int8, and one source is left out."""
    monkeypatch.setattr(chest_recipe, "following", lambda model, *settings: model)
    monkeypatch.setitem(TASKS, PackageName.CHEST_FINDINGS, replace(CHEST, without=(Source.RSNA_NORMAL.value,)))
    return tiny_networks


@pytest.fixture
def few_films_for_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chest_check, "MOST_FITTED", 3)
    monkeypatch.setattr(chest_check, "MOST_MEASURED", 1)
    monkeypatch.setattr(network, "EPOCHS", 2)
    monkeypatch.setattr(chest_check, "DRAWINGS_EACH_FITTED", 1)
    monkeypatch.setattr(chest_check, "DRAWINGS_EACH_MEASURED", 1)


def networks_in(out: Path) -> dict[Path, int]:
    """When each network's file was written, in nanoseconds."""
    return {path: path.stat().st_mtime_ns for path in out.rglob("int8.tflite")}


def test_one_command_makes_both_packages_and_goes_on_where_it_was_interrupted(
    data_sets: Path,
    few_networks: Any,
    few_films_for_the_check: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"

    def rebuild(version: str = "0.4.0") -> Result:
        command = ["rebuild", str(data_sets), "--out", str(out), "--version", version, "--seeds", "1", "--folds", "2"]
        return CliRunner().invoke(app, command)

    with monkeypatch.context() as patch:
        patch.setattr(child_recipe, "convert_comparisons", lambda *_: (_ for _ in ()).throw(Interrupted))
        assert isinstance(rebuild().exception, Interrupted)
    made = networks_in(out)
    assert {path.parts[len(out.parts) + 1] for path in made} == {*PACKAGES}
    assert (out / "packages" / "chest-findings" / "model.toml").exists()
    assert not (out / "packages" / "chest-child").exists()

    resumed = rebuild()
    assert resumed.exit_code == 0, resumed.output
    assert networks_in(out) == made, "no network is made twice"
    assert "chest-findings 0.4.0 is packed already" in resumed.output
    assert not list(out.rglob("unfinished"))

    for name in PACKAGES:
        package = load_package(out / "packages" / name)
        manifest = package.manifest
        assert (manifest.name, manifest.version) == (name, "0.4.0")
        assert f"# {name} 0.4.0" in (package.folder / "card.md").read_text()
        assert {"controls.png", "quality.npz"} <= set(manifest.files)
        assert package.quality_path is not None
        check = load_check(package.quality_path, (few_networks.side, few_networks.side))
        assert isinstance(check, DefectCheck)
        assert manifest.metrics["quality"]["miss_rate"]
        checked = CliRunner().invoke(app, ["check", str(package.model_path)])
        assert checked.exit_code == 0, checked.output


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("tiny_nerve_networks")
def test_nerve_alone_is_made_from_its_sets_with_its_check_in_front(
    made_up_heads: Any, made_up_usgra: Any, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets, out = tmp_path / "sets", tmp_path / "out"
    films, views = listed_adults(training=12, test=6)
    MadeUpChest(sets / "chestxray14").write(films, views=views)
    made_up_usgra.root = sets / "nerves_usgra"
    made_up_usgra.write(train=14, validation=4)
    made_up_heads.root = sets / "hc18"
    made_up_heads.write([f"{number:03}_HC.png" for number in range(6)], validation=["000", "001"])
    (sets / "coral").symlink_to(shared_data / "coral")
    for drawn in ("DRAWINGS_EACH_FITTED", "DRAWINGS_EACH_MEASURED"):
        monkeypatch.setattr(recipes, drawn, 1)
    height, width = 32, 48  # the tiny network's
    monkeypatch.setattr(recipes, "NERVE", replace(recipes.NERVE, height=height, width=width, gradient_components=20))
    options = ["--version", "0.4.0", "--only", "nerve", "--seeds", "1", "--folds", "2"]
    result = CliRunner().invoke(app, ["rebuild", str(sets), "--out", str(out), *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert [path.name for path in (out / "packages").iterdir()] == ["nerve"]
    package = load_package(out / "packages" / "nerve")
    assert (package.manifest.name, package.manifest.version) == ("nerve", "0.4.0")
    assert package.quality_path is not None
    assert isinstance(load_check(package.quality_path, (height, width)), QualityCheck)
    assert {"fetal head", "chest film"} <= {*package.manifest.metrics["quality"]["miss_rate"]}
