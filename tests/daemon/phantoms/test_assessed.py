"""The phantoms, read by the packages that ship: good enough to be assessed, and measured near the truth."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog.exam import Device
from leapfrog.packages.package import SHIPPED_PACKAGES, ModelPackage, load_package
from leapfrog.phantoms.chest import Lungs, draw_chest
from leapfrog.phantoms.fetal_head import COLUMNS, ROWS, FetalHead, draw_fetal_head
from leapfrog.reader.assess.assessment import Assessment, GrayFrame, assess
from leapfrog_training.evaluate.kiosk import KioskModel

LARGEST_ERROR = 0.04


class _InThisProcess:
    """Runs the packages' models here."""

    def device_of(self, _package: ModelPackage) -> Device:
        return "cpu"

    def infer(self, package: ModelPackage, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        return list(_model(package.folder.name).run(picture))


@cache
def _model(name: str) -> KioskModel:
    return KioskModel(_package(name).model_path)


@cache
def _package(name: str) -> ModelPackage:
    return load_package(SHIPPED_PACKAGES / name)


def _read_film(lungs: Lungs, seed: int) -> Assessment:
    gray = (draw_chest(lungs, seed) >> 4).astype(np.uint8)
    frame = GrayFrame(gray, (0, 0, gray.shape[1], gray.shape[0]))
    return assess(_package("chest-findings"), _InThisProcess(), frame)


@pytest.mark.parametrize("seed", [1, 4, 9])
def test_clear_films_of_the_demonstration_are_assessed_and_nothing_is_flagged(seed: int) -> None:
    assert _read_film("clear", seed).outcome == "nothing_found"


def test_of_the_opaque_films_of_the_demonstration_most_are_flagged() -> None:
    films = [_read_film("opaque", seed) for seed in (9, 3, 8)]
    assert all(film.outcome != "not_assessed" for film in films)
    assert sum(film.outcome == "findings" for film in films) >= 2


@pytest.mark.parametrize(
    "head",
    [
        FetalHead(),
        FetalHead(80, 62, tilt_degrees=-10, pixel_spacing_mm=0.16),
        FetalHead(104, 84, tilt_degrees=3, pixel_spacing_mm=0.20),
        FetalHead(66, 50, tilt_degrees=20, pixel_spacing_mm=0.14),
    ],
    ids=lambda head: f"{head.circumference_mm:.0f} mm",
)
def test_a_head_is_measured_near_its_true_circumference(head: FetalHead) -> None:
    gray = draw_fetal_head(head, 1, 5)[0]
    frame = GrayFrame(gray, (0, 0, COLUMNS, ROWS), (head.pixel_spacing_mm, head.pixel_spacing_mm))
    read = assess(_package("fetal-head"), _InThisProcess(), frame)
    assert read.measured
    measurement = read.findings[0].measurement
    assert measurement is not None
    assert measurement.unit == "mm"
    assert measurement.value == pytest.approx(head.circumference_mm, rel=LARGEST_ERROR)
