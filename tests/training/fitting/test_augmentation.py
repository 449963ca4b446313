"""How pictures are recoloured and moved for training. Skipped without TensorFlow."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.fitting.augmentation import STILL, Augmentation, move
    from leapfrog_training.keras import tf

pytestmark = pytest.mark.filterwarnings("ignore")
COUNT, ROWS, COLUMNS = 64, 32, 48
CHANCE = (1, 2)


def recoloured(changes: Augmentation, gray: float, chance: tuple[int, int] = (1, 2)) -> Any:
    pictures = tf.fill([COUNT, ROWS, COLUMNS, 1], gray)
    return changes.recolour(pictures, tf.constant(chance)).numpy()[..., 0]


def test_without_changes_pictures_stay_as_they_are() -> None:
    assert (recoloured(STILL, 0.25) == 0.25).all()


def test_gamma_changes_middle_grays_and_neither_black_nor_white() -> None:
    changes = replace(STILL, gamma=0.5)
    grays = recoloured(changes, 0.0)[:, 0, 0]
    lowest, highest = 2 * 0.5 ** np.exp(0.5) - 1, 2 * 0.5 ** np.exp(-0.5) - 1
    assert lowest <= grays.min() < -0.1
    assert 0.1 < grays.max() <= highest
    assert (recoloured(changes, 1.0) == 1).all()
    assert (recoloured(changes, -1.0) == -1).all()


def test_shading_runs_evenly_from_one_side_to_the_other() -> None:
    light = recoloured(replace(STILL, shading=0.5), -0.5) / 2 + 0.5
    across = np.diff(np.log(light[:, 0, :]), axis=1)
    assert np.allclose(across, across[:, :1], atol=1e-5)
    assert np.abs(np.log(light / 0.25)).max() <= 1.0 + 1e-5
    assert {-1, 1} == set(np.sign(across[:, 0]))


def test_every_fourth_picture_has_a_black_rectangle_of_the_asked_size() -> None:
    black = recoloured(replace(STILL, erased=0.15), 0.5) == -1
    assert 6 <= sum(1 for picture in black if picture.any()) <= 26
    for picture in black:
        rows, columns = picture.any(axis=1), picture.any(axis=0)
        assert picture.sum() == rows.sum() * columns.sum()
        assert max(rows.sum(), columns.sum()) <= 0.3 * COLUMNS + 1


def test_speckle_brightens_and_darkens_in_spots_and_leaves_black_black() -> None:
    changes = replace(STILL, speckle=0.3)
    light = recoloured(changes, -0.5) / 2 + 0.5
    assert np.abs(np.log(light / 0.25).mean(axis=(1, 2))).max() < 0.05
    spread = np.log(light / 0.25).std(axis=(1, 2))
    assert spread.min() < 0.05 < 0.15 < spread.max() < 0.35
    assert (recoloured(changes, -1.0) == -1).all()


def test_stretching_makes_wider_or_higher_and_keeps_the_area() -> None:
    square = np.zeros((COUNT, 96, 96, 1), np.float32)
    square[:, 32:64, 32:64] = 1.0
    transforms = replace(STILL, stretch=0.4).transforms(COUNT, CHANCE)
    stretched = move(square, transforms, fill=0.0).numpy()[..., 0]
    widths, heights = stretched.max(axis=1).sum(axis=1), stretched.max(axis=2).sum(axis=1)
    assert (widths / heights).min() < 0.8 and (widths / heights).max() > 1.25
    assert np.allclose(stretched.sum(axis=(1, 2)), 32 * 32, rtol=0.05)


def test_the_same_chance_gives_the_same_pictures_and_another_gives_others() -> None:
    changes = replace(STILL, contrast=0.2, brightness=0.1, gamma=0.3, shading=0.3, speckle=0.2, erased=0.1)
    first = recoloured(changes, 0.1)
    assert np.array_equal(first, recoloured(changes, 0.1))
    assert not np.array_equal(first, recoloured(changes, 0.1, (1, 3)))
    assert first.min() >= -1
    assert first.max() <= 1


def test_a_picture_and_its_smaller_mask_move_alike() -> None:
    picture = np.zeros((1, 128, 192, 1), np.float32)
    picture[0, 30:70, 40:100] = 1.0
    mask = picture.reshape(1, 64, 2, 96, 2, 1).mean(axis=(2, 4))
    transforms = Augmentation(25, 0.2, 0.05, 0, 0, flip_horizontally=True).transforms(1, CHANCE)
    moved, moved_mask = move(picture, transforms, fill=0.0).numpy(), move(mask, transforms, fill=0.0).numpy()
    shrunk = moved.reshape(1, 64, 2, 96, 2, 1).mean(axis=(2, 4))
    assert not np.allclose(shrunk, mask, atol=0.1)
    assert np.abs(shrunk - moved_mask).mean() < 0.01


def test_an_augmentation_of_nothing_changes_nothing() -> None:
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 16, 24, 1)).astype(np.float32)
    assert np.allclose(
        STILL.recolour(move(pictures, STILL.transforms(2, CHANCE), fill=-1.0), CHANCE), pictures, atol=1e-5
    )
