"""How sure the model must be before something is drawn."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from leapfrog.reader.assess.outlines.segmentation import model_area
from leapfrog_training.datasets.nerve_picture import NervePicture, Source
from leapfrog_training.nerve.manifest import NERVE, VESSEL, nerve_manifest
from leapfrog_training.nerve.reading import Answer, NerveAnswer
from leapfrog_training.nerve.size import HEIGHT, WIDTH
from leapfrog_training.nerve.thresholds import Unseen, chosen_thresholds

MODEL: Any = SimpleNamespace(input=SimpleNamespace(shape=(1, HEIGHT, WIDTH, 1)), output_of_rank=lambda _rank: 0)
SIDE = 40


def answer(nerve: float, vessel: float = 0.0, false_vessel: float = 0.0) -> Answer:
    """A nerve, a vessel and what is none, each in a square of ten cells, with these probabilities inside."""
    masks = np.zeros((1, SIDE, SIDE, 2), np.float32)
    masks[0, 10:20, 10:20, 0] = nerve
    masks[0, 25:35, 25:35, 1] = vessel
    masks[0, 5:15, 25:35, 1] = false_vessel
    return Answer(model_area((0, 0, SIDE, SIDE), (SIDE, SIDE), 1.0), (masks,))


@pytest.fixture
def picture(tmp_path: Path) -> NervePicture:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[10:20, 10:20] = 1
    mask[25:35, 25:35] = 2
    for name in ("picture.png", "mask.png"):
        Image.fromarray(mask).save(tmp_path / name)
    return NervePicture(tmp_path / "picture.png", tmp_path / "mask.png", "g1", "train", Source.USGRA, has_nerve=True)


def chosen(pictures: Sequence[NerveAnswer], parts: Sequence[float], heads: Sequence[float] = ()) -> dict[str, float]:
    unseen = Unseen(tuple(pictures), tuple(map(answer, parts)), tuple(map(answer, heads)))
    return chosen_thresholds((NERVE, VESSEL), [(partial(nerve_manifest, "0", MODEL), unseen)])


def test_a_nerve_s_threshold_is_above_what_parts_without_one_reach(picture: NervePicture) -> None:
    sure = [NerveAnswer(picture, answer(0.7))] * 20
    assert chosen(sure, parts=[0.78] * 3 + [0.0] * 17)[NERVE] == pytest.approx(0.8)
    assert chosen(sure, parts=[0.0] * 20, heads=[0.91] + [0.0] * 20)[NERVE] == pytest.approx(0.925)


def test_where_few_false_ones_are_seen_it_is_as_high_as_most_nerves_allow(picture: NervePicture) -> None:
    unsure = [NerveAnswer(picture, answer(0.72))] * 9 + [NerveAnswer(picture, answer(0.6))]
    assert chosen(unsure, parts=[0.0] * 20)[NERVE] == pytest.approx(0.7)


def test_a_vessel_s_threshold_is_the_lowest_that_draws_best(picture: NervePicture) -> None:
    pictures = [NerveAnswer(picture, answer(0.9, vessel)) for vessel in (0.71, 0.83, 0.95)]
    assert chosen(pictures, parts=[])[VESSEL] == 0.5
    with_false = [NerveAnswer(picture, answer(0.9, vessel, false_vessel=0.65)) for vessel in (0.71, 0.83, 0.95)]
    assert chosen(with_false, parts=[])[VESSEL] == pytest.approx(0.7)


def test_a_set_without_vessels_gets_no_threshold_for_them(picture: NervePicture) -> None:
    unseen = Unseen((NerveAnswer(picture, answer(0.91)),), (), ())
    manifest_for = partial(nerve_manifest, "0", MODEL)
    only = Answer(unseen.pictures[0].answer.area, (unseen.pictures[0].answer.outputs[0][..., :1],))
    alone = Unseen((NerveAnswer(picture, only),), (), ())
    assert chosen_thresholds((NERVE,), [(manifest_for, alone)]) == {NERVE: pytest.approx(0.9)}
