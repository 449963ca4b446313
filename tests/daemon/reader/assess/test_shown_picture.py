"""What a model is shown of a picture, and that its answers point into the whole picture."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog.exam import Device, Quality, Region
from leapfrog.packages.manifest import ModelInput
from leapfrog.packages.package import ModelPackage, load_package
from leapfrog.reader.assess import assessment
from leapfrog.reader.assess.assessment import Assessment, GrayFrame, assess
from leapfrog.reader.assess.shown_picture import (
    field_seen,
    map_over_whole,
    region_in_whole,
    shown_to_model,
    shown_to_segmenter,
)
from leapfrog.reader.image.pixels import PixelRegion, model_input
from support.tiny_models import CLASSIFIER, classifier_content, write_package

WHOLE, EXPOSED = ModelInput(height=28, width=28), ModelInput(height=28, width=28, field="exposed")
BORDER = (60, 90, 30, 0)  # left, top, right, bottom


def film(rows: int = 240, columns: int = 200) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:rows, 0:columns]
    shade = 120 + 60 * np.sin(x / 31 + 1) * np.cos(y / 47)
    return np.asarray(shade.astype(np.uint8))


def bordered(gray: NDArray[np.uint8], value: int = 0) -> NDArray[np.uint8]:
    left, top, right, bottom = BORDER
    return np.pad(gray, ((top, bottom), (left, right)), constant_values=value)


class SeesAll:
    """Flags everything, its heat in the left upper corner of what it is shown; keeps that."""

    def __init__(self) -> None:
        self.shown: list[NDArray[np.uint8]] = []

    def device_of(self, _package: ModelPackage) -> Device:
        return "cpu"

    def infer(self, _package: ModelPackage, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        self.shown.append(picture)
        heat = np.zeros((1, 7, 7, 2), np.float32)
        heat[0, :2, :2] = 1.0
        return [np.full((1, 2), 0.9, np.float32), heat]


def assessed(directory: Path, field: str, gray: NDArray[np.uint8], area: PixelRegion | None = None) -> Assessment:
    manifest = CLASSIFIER.replace("width = 28\n", f'width = 28\nfield = "{field}"\n')
    package = load_package(write_package(directory / field / "tiny-chest", manifest, classifier_content()))
    return assess(package, SeesAll(), GrayFrame(gray, area or (0, 0, gray.shape[1], gray.shape[0])))


@pytest.mark.parametrize("value", [0, 255])
def test_a_model_is_shown_the_exposed_field_without_its_border(value: int) -> None:
    shown = shown_to_model(EXPOSED, bordered(film(), value)).astype(int)
    assert np.abs(shown - shown_to_model(EXPOSED, film())).mean() < 3
    assert np.abs(shown - shown_to_model(WHOLE, bordered(film(), value))).mean() > 15


def test_a_model_that_takes_the_whole_is_shown_it_whatever_its_parts() -> None:
    gray = bordered(film())
    assert np.array_equal(shown_to_model(WHOLE, gray, (60, 90, 100, 100)), model_input(gray, 28, 28))
    assert field_seen(WHOLE, gray, (60, 90, 100, 100)) == (0, 0, 290, 330)


def test_a_segmenter_is_shown_the_scan_alone_and_knows_where_it_lies() -> None:
    scan = np.random.default_rng(0).integers(20, 200, (200, 300), dtype=np.uint8)
    screen = np.zeros((400, 600), np.uint8)
    screen[120:320, 150:450] = scan
    screen[10:20, 10:200:3] = 255
    taken = ModelInput(height=32, width=48, field="scan")
    area, shown = shown_to_segmenter(taken, screen)
    assert np.allclose(area.seen, (150, 120, 450, 320), atol=6)
    assert np.allclose((area.left, area.top, area.width, area.height), (150, 120, 300, 200), atol=8)
    assert shown.shape == (area.height, area.width)
    assert np.abs(model_input(shown, 32, 48).astype(int) - model_input(scan, 32, 48)).mean() < 8
    assert area.in_pixels(np.array([[24.0, 16.0]]), (32, 48)) == pytest.approx(np.array([[300, 220]]), abs=6)


def test_the_exposed_field_lies_within_the_area_that_shows_the_body() -> None:
    beside = np.concatenate([bordered(film()), film(330, 200)], axis=1)
    assert np.allclose(field_seen(EXPOSED, beside, (0, 0, 290, 330)), (60, 90, 260, 330), atol=3)


def test_places_are_told_in_fractions_of_the_whole_picture(tmp_path: Path) -> None:
    gray = bordered(film())
    exposed, whole = assessed(tmp_path, "exposed", gray), assessed(tmp_path, "whole", gray)
    for found, corner, far in (
        (exposed, (60 / 290, 90 / 330), (120 / 290, 160 / 330)),
        (whole, (0, 0), (2 / 7, 2 / 7)),
    ):
        region = found.findings[0].region
        assert region is not None
        assert (region.left, region.top) == pytest.approx(corner, abs=0.02)
        assert (region.right, region.bottom) == pytest.approx(far, abs=0.05)
    heat = exposed.heatmaps["Bright"]
    rows, columns = np.nonzero(heat > 0.5)
    assert columns.min() / heat.shape[1] == pytest.approx(60 / 290, abs=0.02)
    assert rows.min() / heat.shape[0] == pytest.approx(90 / 330, abs=0.02)
    assert columns.max() / heat.shape[1] < 0.45
    assert whole.heatmaps["Bright"].shape == (7, 7)


def test_the_quality_check_sees_what_the_model_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A border that no model sees is no reason to refuse a film."""
    seen: list[NDArray[np.uint8]] = []

    class Check:
        def check(self, picture: NDArray[np.uint8], shown: NDArray[np.uint8]) -> Quality:
            seen.extend((picture, shown))
            return Quality(acceptable=True)

    monkeypatch.setattr(ModelPackage, "quality_path", property(lambda _: Path("quality.npz")))
    monkeypatch.setattr(assessment, "_check_of", lambda *_: Check())
    assessed(tmp_path, "exposed", bordered(film()))
    assert np.array_equal(seen[0], shown_to_model(EXPOSED, bordered(film())))
    left, top, right, bottom = field_seen(EXPOSED, bordered(film()))
    assert np.array_equal(seen[1], bordered(film())[top:bottom, left:right])


def test_a_region_and_a_map_over_all_of_a_picture_stay_as_they_are() -> None:
    region = Region(left=0.1, top=0.2, right=0.3, bottom=0.4)
    moved = region_in_whole(region, (0, 0, 50, 40), (40, 50))
    assert moved.model_dump() == pytest.approx(region.model_dump())
    heat = np.eye(7, dtype=np.float32)
    assert map_over_whole(heat, (0, 0, 50, 40), (40, 50)) is heat


@pytest.mark.parametrize("field", [(0, 0, 3, 40), (47, 39, 50, 40)])
def test_a_narrow_field_still_has_a_place_on_the_map(field: PixelRegion) -> None:
    over = map_over_whole(np.ones((7, 7), np.float32), field, (40, 50))
    assert 0 < over.sum() < over.size / 4
