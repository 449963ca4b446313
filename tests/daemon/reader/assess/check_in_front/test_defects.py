"""The check that names defects: what it says, and which files it takes. Its fit is tested with the training."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog.errors import PackageError
from leapfrog.packages.package import SHIPPED_PACKAGES, load_package
from leapfrog.reader.assess.check_in_front.checks import load_check
from leapfrog.reader.assess.check_in_front.defects import BLANK, FORMAT, SENTENCES, Defect, DefectCheck
from leapfrog.reader.assess.check_in_front.description import describe
from leapfrog.reader.assess.check_in_front.quality import QualityCheck
from leapfrog_training.quality.defect_check import check_bytes

Gray = NDArray[np.uint8]

SIDE = 80
KINDS = (Defect.FAINT, Defect.LETTERED)


def picture(seed: int = 0) -> Gray:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)


def check_of(log_odds: tuple[float, float]) -> DefectCheck:
    """A check that gives every picture these log odds of being faint and of being written over."""
    description = describe(picture(), picture(), 4, 1)
    layout, edges, measures = (
        len(part) for part in (description.thumbnail, description.gradients, description.measures)
    )

    def zeros(*shape: int) -> NDArray[np.float32]:
        return np.zeros(shape, dtype=np.float32)

    return DefectCheck(
        input_shape=np.array([SIDE, SIDE], dtype=np.int32),
        thumbnail_block=np.array(4, dtype=np.int32),
        gradient_block=np.array(1, dtype=np.int32),
        thumbnail_mean=zeros(layout),
        thumbnail_components=zeros(2, layout),
        gradient_mean=zeros(edges),
        gradient_components=zeros(3, edges),
        feature_mean=zeros(5 + measures),
        feature_scale=np.ones(5 + measures, dtype=np.float32),
        hidden_weights=zeros(5 + measures, 2),
        hidden_bias=zeros(2),
        weights=zeros(2, 3),
        bias=np.array([0, *log_odds], dtype=np.float32),
        kinds=np.array([str(kind) for kind in KINDS]),
        limits=np.array([1, 1], dtype=np.float32),
    )


def test_a_picture_below_all_limits_passes_and_nothing_is_said() -> None:
    quality = check_of((0.5, 0.9)).check(picture())
    assert quality.acceptable
    assert quality.score == pytest.approx(-0.1, abs=1e-3)
    assert quality.limit == 0
    assert quality.detail == ""


def test_the_defect_that_is_furthest_above_its_own_limit_is_named() -> None:
    assert check_of((3, 2)).check(picture()).detail == SENTENCES[Defect.FAINT]
    check = replace(check_of((3, 2)), limits=np.array([2.9, 1], dtype=np.float32))
    assert check.check(picture()).detail == SENTENCES[Defect.LETTERED]


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_blank_picture_is_called_blank(level: int) -> None:
    quality = check_of((-5, -5)).check(np.full((SIDE, SIDE), level, dtype=np.uint8))
    assert not quality.acceptable
    assert quality.detail == BLANK


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 3), (4, 7), (8, 8), (31, 31)])
def test_a_picture_of_a_few_pixels_is_described_too(shape: tuple[int, int]) -> None:
    shown = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    assert np.isfinite(describe(picture(), shown, 4, 1).measures).all()
    quality = check_of((0.5, 0.9)).check(picture(), shown)
    assert quality.score is not None and np.isfinite(quality.score)


def test_a_turned_stranger_is_called_a_stranger() -> None:
    check = replace(check_of((3, 0)), kinds=np.array([str(Defect.UPSIDE_DOWN), str(Defect.FAINT)]))
    assert check.check(picture()).detail == SENTENCES[Defect.STRANGE], "turned back it would not pass either"


def test_another_size_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="80"):
        check_of((0, 0)).check(np.zeros((128, 192), dtype=np.uint8))


def test_a_check_of_a_later_format_or_with_an_unknown_defect_is_a_package_error(tmp_path: Path) -> None:
    check = check_of((0, 0))
    file = tmp_path / "quality.npz"
    file.write_bytes(check_bytes(check))
    assert isinstance(load_check(file, (SIDE, SIDE)), DefectCheck)
    arrays = {field.name: getattr(check, field.name) for field in fields(check)}
    np.savez(file, format=FORMAT + 1, **arrays)
    with pytest.raises(PackageError, match="newer version"):
        load_check(file, (SIDE, SIDE))
    np.savez(file, format=FORMAT, **(arrays | {"kinds": np.array(["melted"])}))
    with pytest.raises(PackageError, match="melted"):
        load_check(file, (SIDE, SIDE))


def test_packages_with_a_check_of_the_first_format_still_load() -> None:
    assert isinstance(load_check(SHIPPED_PACKAGES / "fetal-head" / "quality.npz", (128, 192)), QualityCheck)


WRONG_IN_BOTH_FORMATS: dict[str, dict[str, NDArray[Any]]] = {
    "no block": {"thumbnail_block": np.array(0, np.int32)},
    "a block larger than the picture": {"gradient_block": np.array(161, np.int32)},
    "a number that is none": {"hidden_bias": np.array([np.nan], np.float32)},
    "other shapes": {"weights": np.zeros((2, 2), np.float32)},
    "one side": {"input_shape": np.array([160], np.int32)},
    "a picture that no memory holds": {"input_shape": np.array([2**30, 2**30], np.int32)},
    "no format": {"format": np.array(np.inf)},
}
WRONG: dict[str, dict[str, dict[str, NDArray[Any]]]] = {
    "chest-findings": {
        **WRONG_IN_BOTH_FORMATS,
        "more limits than kinds": {"limits": np.full(99, 1.0, np.float32)},
        "a limit that nothing reaches": {"limits": np.array([np.inf], np.float32)},
    },
    "fetal-head": {
        **WRONG_IN_BOTH_FORMATS,
        "no row where two numbers are looked for": {"boundary_scale": np.ones(1, np.float32)},
        "several limits": {"limit": np.ones(3, np.float32)},
    },
}


@pytest.mark.parametrize(("name", "wrong"), [(name, wrong) for name, wrongs in WRONG.items() for wrong in wrongs])
def test_a_check_whose_parts_do_not_fit_is_a_package_error_and_not_the_films_fault(
    tmp_path: Path, name: str, wrong: str
) -> None:
    taken = load_package(SHIPPED_PACKAGES / name).manifest.input
    arrays = dict(np.load(SHIPPED_PACKAGES / name / "quality.npz"))
    np.savez(tmp_path / "quality.npz", **{**arrays, **WRONG[name][wrong]})
    with pytest.raises(PackageError, match="cannot be used"):
        load_check(tmp_path / "quality.npz", (taken.height, taken.width))


def test_a_check_for_pictures_of_another_size_is_a_package_error() -> None:
    with pytest.raises(PackageError, match=r"for pictures of 160 x 160, and the model takes 128 x 192"):
        load_check(SHIPPED_PACKAGES / "chest-findings" / "quality.npz", (128, 192))


def test_an_empty_file_is_no_check(tmp_path: Path) -> None:
    (tmp_path / "quality.npz").write_bytes(b"")
    with pytest.raises(PackageError, match="cannot be used"):
        load_check(tmp_path / "quality.npz", (160, 160))
