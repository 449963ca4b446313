"""What is measured, with the drawn outlines standing in for a network's mask."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leapfrog.reading.tensors import TensorSpec
from leapfrog_training.datasets import HeadImage, open_hc18
from leapfrog_training.datasets.hc18 import outline
from leapfrog_training.evaluate import HeadAnswer, HeadScores, head_scores, read_head, within_abnormal
from leapfrog_training.head.evaluation import unbiased_level
from leapfrog_training.head.masks import head_mask
from leapfrog_training.manifests import head_manifest


class MaskShape:
    """A segmenter's shapes, without the model."""

    input = TensorSpec((1, 128, 192, 1), "int8", 1 / 127.5, 0)

    def output_of_rank(self, rank: int) -> int:
        return 0


def perfect_answers(images: Sequence[HeadImage]) -> list[HeadAnswer]:
    masks = [head_mask(outline(image), 64, 96)[np.newaxis, :, :, np.newaxis] for image in images]
    return [HeadAnswer(image, (mask,)) for image, mask in zip(images, masks, strict=True)]


def scores_at(level: float, images: Sequence[HeadImage]) -> HeadScores:
    model: Any = MaskShape()
    manifest = head_manifest("0", model, threshold=0.5, level=level)
    return head_scores([read_head(manifest, answer) for answer in perfect_answers(images)], images)


def test_a_perfect_mask_of_a_made_up_head_measures_true(made_up_heads: Any) -> None:
    images = open_hc18(made_up_heads.write(["000_HC.png", "001_HC.png", "002_HC.png"], validation=[])).images
    scores = scores_at(0.5, images)
    assert scores.not_measured == 0
    assert scores.dice.value > 0.985
    assert scores.absolute_error_mm.value < 1.0


def test_the_level_takes_the_bias_of_the_drawn_outlines_away(shared_data: Path) -> None:
    images = open_hc18(shared_data / "hc18").in_split("train")[::20]
    model: Any = MaskShape()
    level = unbiased_level(model, perfect_answers(images))
    assert level > 0.5
    assert scores_at(0.5, images).mean_error_mm > 0.5
    corrected = scores_at(level, images)
    assert abs(corrected.mean_error_mm) < 0.1
    assert corrected.absolute_error_mm.value < 0.4


def test_among_abnormal_films_a_score_that_only_tells_normal_from_abnormal_is_worth_nothing() -> None:
    labels = np.array([[True, True], [True, False], [True, True], [False, False]])
    scores = np.array([[0.9, 0.9], [0.9, 0.9], [0.9, 0.9], [0.1, 0.1]])
    abnormal = np.array([True, True, True, False])
    everywhere, sometimes = within_abnormal(labels, abnormal, scores)
    assert everywhere is None
    assert sometimes == pytest.approx(0.5)
