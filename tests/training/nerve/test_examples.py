"""What the nerve networks are trained on."""

from typing import Any

import numpy as np
import pytest

from leapfrog_training.nerve import examples as module
from leapfrog_training.nerve.data import open_nerves
from leapfrog_training.nerve.examples import examples
from leapfrog_training.nerve.size import HEIGHT, MASK_HEIGHT, MASK_WIDTH, WIDTH


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WITH_NERVE", 8)
    monkeypatch.setattr(module, "HEADS", 1)


def test_scans_with_nerves_come_in_several_cuts_and_those_without_teach_that_there_is_none(
    made_up_usgra: Any, made_up_heads: Any
) -> None:
    heads = made_up_heads.write(["000_HC.png", "001_HC.png", "002_HC.png"], validation=["002"])
    data = open_nerves([made_up_usgra.write(train=4, validation=1), heads])
    made = examples(data.in_split("train"), seed=0)
    assert made.pictures[:].shape[1:] == (HEIGHT, WIDTH, 1)
    assert made.targets.shape[1:] == (MASK_HEIGHT, MASK_WIDTH, 3)
    nerve = made.targets[..., 0].max(axis=(1, 2))
    assert (nerve > 0.5).sum() == 8  # four scans, each whole and as one part
    assert (nerve == 0).sum() == 9  # two parts beside each nerve, and a head
    assert (made.targets[..., 2] == 1).all()
    assert made.targets[:2, ..., 1].max() == 1  # the vessel


def test_the_mask_lies_where_the_picture_shows_the_nerve(made_up_usgra: Any) -> None:
    data = open_nerves([made_up_usgra.write(train=3, validation=1)])
    made = examples(data.in_split("train"), seed=0)
    gray = made.pictures[:][0, ..., 0].reshape(MASK_HEIGHT, 2, MASK_WIDTH, 2).mean(axis=(1, 3))
    nerve, vessel = made.targets[0, ..., 0] == 1, made.targets[0, ..., 1] == 1
    elsewhere = made.targets[0, ..., :2].sum(axis=-1) == 0
    assert gray[nerve].mean() > 2 * gray[elsewhere].mean() > 8 * gray[vessel].mean()


def test_the_screen_around_a_scan_is_not_shown(made_up_usgra: Any) -> None:
    made = examples(open_nerves([made_up_usgra.write(train=3, validation=1)]).in_split("train"), seed=0)
    whole = made.pictures[:][0, ..., 0]
    assert (whole[2:-2].mean(axis=1) > 20).all()


def test_the_same_seed_makes_the_same_examples_and_another_makes_others(made_up_usgra: Any) -> None:
    pictures = open_nerves([made_up_usgra.write(train=3, validation=1)]).in_split("train")
    assert np.array_equal(examples(pictures, 1).pictures[:], examples(pictures, 1).pictures[:])
    assert not np.array_equal(examples(pictures, 1).pictures[:], examples(pictures, 2).pictures[:])


def test_a_set_without_vessels_says_so(made_up_nerves: Any) -> None:
    made = examples(open_nerves([made_up_nerves.write(patients=5, each=2)]).in_split("train"), seed=0)
    assert (made.targets[..., 1:] == 0).all()
