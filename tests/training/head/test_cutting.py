"""Heads that are cut: what is left of each, and where the cut runs."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from leapfrog_training.datasets.hc18 import HeadImage, filled_outline, open_hc18, outline
from leapfrog_training.head.cutting import LEAST_SIDE, SHARES, SIDES, SLANT, cut_pictures

HEAD, AROUND = 200, 50  # grays


@pytest.fixture
def image(made_up_heads: Any) -> HeadImage:
    """A head of one gray in surroundings of another."""
    (one,) = open_hc18(made_up_heads.write(["000_HC.png"], validation=[])).records
    head = filled_outline(outline(one))
    Image.fromarray(np.where(head, HEAD, AROUND).astype(np.uint8)).save(one.path)
    return one


def extents(picture: np.ndarray[Any, Any]) -> tuple[int, int, float]:
    """How far the head reaches across, down and at right angles to the slanted edge, in pixels."""
    y, x = np.nonzero(picture == HEAD)
    along = x * np.cos(SLANT) + y * np.sin(SLANT)
    return int(np.ptp(x)) + 1, int(np.ptp(y)) + 1, float(np.ptp(along))


@pytest.mark.parametrize("number", range(len(SHARES)))
def test_each_side_takes_its_share_of_the_head(image: HeadImage, number: int) -> None:
    whole = extents(np.asarray(Image.open(image.path)))
    cuts = list(cut_pictures(image, number))
    assert len(cuts) == len(SIDES)
    for turn, (side, cut) in enumerate(zip(SIDES, cuts, strict=True)):
        direction = {"left": 0, "right": 0, "top": 1, "bottom": 1, "slanted": 2}[side]
        left = extents(cut)[direction] / whole[direction]
        assert left == pytest.approx(1 - SHARES[(number + turn) % len(SHARES)], abs=0.02), side


def test_the_head_ends_at_the_side_that_cuts_it_and_beyond_a_slanted_edge_all_is_black(image: HeadImage) -> None:
    left, right, top, bottom, slanted = cut_pictures(image, 2)
    for edge in (left[:, 0], right[:, -1], top[0], bottom[-1]):
        assert HEAD in edge and AROUND in edge
    whole = np.asarray(Image.open(image.path))
    assert slanted.shape == whole.shape
    assert {*np.unique(slanted)} == {0, AROUND, HEAD}
    assert np.array_equal(slanted[slanted > 0], whole[slanted > 0])
    y, x = np.nonzero(slanted == 0)
    kept_y, kept_x = np.nonzero(slanted)
    assert (x * np.cos(SLANT) + y * np.sin(SLANT)).min() > (kept_x * np.cos(SLANT) + kept_y * np.sin(SLANT)).max()


def test_what_is_too_small_to_be_a_picture_is_not_shown(image: HeadImage) -> None:
    Image.new("L", (60, 40), AROUND).save(image.path)
    Image.fromarray(_outline(40, 60)).save(image.annotation_path)
    cuts = list(cut_pictures(image, 0))
    assert 0 < len(cuts) < len(SIDES)
    assert all(min(cut.shape) >= LEAST_SIDE for cut in cuts)


def _outline(rows: int, columns: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The outline of a head that nearly fills the picture."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    distance = np.hypot(x, y)
    return np.asarray(np.where((distance > 0.8) & (distance < 0.95), 255, 0), np.uint8)
