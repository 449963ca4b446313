"""The check in front of the chest packages that ship: good films of every source pass, spoilt ones do not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from leapfrog.exam import Quality
from leapfrog.packages.package import SHIPPED_PACKAGES, load_package
from leapfrog.reader.assess.check_in_front.checks import load_check
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.changes import CHANGES
from leapfrog_training.quality.defect_check import Layout, cut_and_sized
from leapfrog_training.quality.defects import CHEST_DEFECTS

Gray = NDArray[np.uint8]

FILMS = 24
SOURCES = {
    "ChestX-ray14": "chestxray14/images/*.png",
    "RSNA-normal": "adults_rsna_normal/images/*",
    "children": "children_kermany/images/*",
}
CERTAIN = ("contrast times 0.1", "blurred by 2.5 % of the film", "turned to the left", "dark and bright swapped")


def films(shared_data: Path, pattern: str) -> list[Gray]:
    paths = sorted(shared_data.glob(pattern))
    return [read_gray(path) for path in paths[:: len(paths) // FILMS][:FILMS]]


@pytest.fixture(scope="module", params=["chest-findings", "chest-child"])
def judged(request: pytest.FixtureRequest) -> Callable[[Gray], Quality]:
    package = load_package(SHIPPED_PACKAGES / request.param)
    assert package.quality_path is not None
    layout = Layout(package.manifest.input.height, package.manifest.input.width)
    check = load_check(package.quality_path, (layout.height, layout.width))
    return lambda film: check.check(*cut_and_sized(film, layout))


@pytest.fixture(scope="module")
def passes(judged: Callable[[Gray], Quality]) -> Callable[[Gray], bool]:
    return lambda film: judged(film).acceptable


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("change", [None, "white border of 5 %", "black border of 10 %", "gamma 1.4"])
def test_good_films_pass_with_borders_and_other_exposures_too(
    passes: Callable[[Gray], bool], shared_data: Path, source: str, change: str | None
) -> None:
    shown = [film if change is None else CHANGES[change](film) for film in films(shared_data, SOURCES[source])]
    assert sum(not passes(film) for film in shown) <= 1


@pytest.mark.parametrize("source", SOURCES)
def test_spoilt_films_of_every_source_are_stopped(
    passes: Callable[[Gray], bool], shared_data: Path, source: str
) -> None:
    random = np.random.default_rng(5)
    for defect in CHEST_DEFECTS:
        for name, spoil in defect.measured.items():
            spoilt = [spoil(film, random) for film in films(shared_data, SOURCES[source])[::3]]
            most = 0 if name in CERTAIN else len(spoilt) * 3 // 4
            assert sum(passes(film) for film in spoilt) <= most, name


@pytest.mark.parametrize("degrees", [20, -20])
def test_adults_films_that_lie_aslant_are_said_to_be_turned(
    judged: Callable[[Gray], Quality], shared_data: Path, degrees: int
) -> None:
    shown = [film for source in ("ChestX-ray14", "RSNA-normal") for film in films(shared_data, SOURCES[source])[::3]]
    turned = [
        np.asarray(Image.fromarray(film).rotate(degrees, Image.Resampling.BILINEAR, expand=True)) for film in shown
    ]
    said = ["turned" in judged(film).detail for film in turned]
    assert sum(said) >= len(said) / 2
