"""Pictures of a data set are checked before a training reads them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leapfrog_training.datasets.images import picture_problem, picture_problems

PIXELS = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)


@pytest.fixture(params=["png", "jpeg", "tif"])
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A picture of each format that the data sets have."""
    path = tmp_path / f"film.{request.param}"
    Image.fromarray(PIXELS).save(path)
    return path


def test_a_whole_picture_has_no_problem(picture: Path) -> None:
    assert picture_problem(picture) is None


def test_a_picture_that_was_cut_short_is_named(picture: Path) -> None:
    picture.write_bytes(picture.read_bytes()[: picture.stat().st_size // 2])
    assert str(picture_problem(picture)).startswith(f"{picture.name}: unreadable")


def test_one_wrong_byte_among_the_pixels_of_a_png_is_found(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    Image.fromarray(PIXELS).save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert str(picture_problem(path)).startswith("film.png: unreadable")


def test_a_png_without_pixels_is_named(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    Image.fromarray(PIXELS).save(path)
    content = path.read_bytes()
    begins, ends = content.index(b"IDAT") - 4, content.index(b"IEND") - 4
    path.write_bytes(content[:begins] + content[ends:])
    assert str(picture_problem(path)).startswith("film.png: unreadable")


def test_only_pictures_with_a_problem_are_listed(tmp_path: Path) -> None:
    whole, missing = tmp_path / "whole.png", tmp_path / "missing.png"
    Image.fromarray(PIXELS).save(whole)
    assert picture_problems([whole, missing]) == {missing: "missing.png: missing"}
