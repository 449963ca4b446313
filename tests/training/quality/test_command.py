"""`leapfrog-train quality`, and the check of both chest packages from Python."""

import sys
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from leapfrog.packages.package import SHIPPED_PACKAGES, load_package
from leapfrog.reader.assess.check_in_front.checks import load_check
from leapfrog.reader.assess.check_in_front.defects import DefectCheck
from leapfrog_training.cli import main
from leapfrog_training.datasets.adults_rsna_normal import NormalFilm
from leapfrog_training.datasets.chestxray14 import Film
from leapfrog_training.datasets.children_kermany import ChildFilm, Diagnosis
from leapfrog_training.datasets.hc18 import HeadImage
from leapfrog_training.datasets.splits import SPLITS, DataSet, Split
from leapfrog_training.quality import adding, chest, recipes
from leapfrog_training.quality.adding import add_chest_check
from leapfrog_training.quality.chest import ChestData

FITTED, MEASURED = 8, 2  # films of each source


def test_a_chest_package_needs_films_of_every_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = copytree(SHIPPED_PACKAGES / "chest-findings", tmp_path / "chest-findings")
    arguments = ("quality", str(package), "--adults", str(tmp_path), "--heads", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["leapfrog-train", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--rsna" in capsys.readouterr().err


@pytest.mark.parametrize(("package", "layout"), [("fetal-head", "HEAD"), ("nerve", "NERVE")])
def test_a_check_for_another_size_than_the_models_is_refused_before_it_is_fitted(
    package: str, layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recipes, layout, replace(getattr(recipes, layout), height=64))
    folder = copytree(SHIPPED_PACKAGES / package, tmp_path / package)
    arguments = ("quality", str(folder), "--adults", str(tmp_path), "--heads", str(tmp_path), "--nerves", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["leapfrog-train", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code
    assert "its check is for 64 x" in capsys.readouterr().err


def test_packages_of_one_size_share_one_fit_and_hold_its_rates(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chest, "DRAWINGS_EACH_FITTED", 2)
    monkeypatch.setattr(chest, "DRAWINGS_EACH_MEASURED", 2)
    fits = []

    def counted(*arguments: object) -> object:
        fits.append(arguments)
        return chest.fit_chest_check(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(adding, "fit_chest_check", counted)
    packages = [copytree(SHIPPED_PACKAGES / "chest-findings", tmp_path / name) for name in ("one", "other")]
    rates = add_chest_check(packages, _some_data(shared_data), {})
    assert len(fits) == 1
    for folder in packages:
        package = load_package(folder)
        assert package.quality_path is not None
        assert isinstance(load_check(package.quality_path, (160, 160)), DefectCheck)
        assert package.manifest.metrics["quality"] == rates[folder]
        missed = package.manifest.metrics["quality"]["miss_rate"]
        assert {"gamma 0.3", "left or right half", "fetal ultrasound"} <= {*missed}


def _some_data(shared: Path) -> ChestData:
    """A few films of each source: opening all of a set takes long."""

    def paths(folder: str, pattern: str) -> list[Path]:
        return sorted((shared / folder).glob(pattern))[: FITTED + MEASURED]

    train, test = SPLITS
    sides: list[Split] = [train] * FITTED + [test] * MEASURED
    adults = tuple(
        Film(path, path.name, frozenset(), "PA", side)
        for path, side in zip(paths("chestxray14", "images/*.png"), sides, strict=True)
    )
    normal = tuple(
        NormalFilm(path, side) for path, side in zip(paths("adults_rsna_normal", "images/*.png"), sides, strict=True)
    )
    children = tuple(
        ChildFilm(path, path.name, Diagnosis.NORMAL, side)
        for path, side in zip(paths("children_kermany", "images/*.jpeg"), sides, strict=True)
    )
    heads = tuple(
        HeadImage(path, path, path.name, side, 0.2, 170)
        for path, side in zip(paths("hc18", "training_set/*HC.png"), sides, strict=True)
    )
    return ChestData(DataSet(adults, ()), DataSet(normal, ()), DataSet(children, ()), DataSet(heads, ()))
