"""What is measured of heads, with the drawn outlines standing in for a network's mask."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leapfrog.engine.tensors import TensorSpec
from leapfrog.evaluation.scores import resample
from leapfrog.packages.manifest import ModelInput
from leapfrog.reader.assess.shown_picture import shown_to_segmenter
from leapfrog_training.datasets.hc18 import HeadImage, head_mask, open_hc18, outline
from leapfrog_training.errors import RunError
from leapfrog_training.head.evaluation import (
    FEWEST_PAIRS,
    HeadScores,
    head_scores,
    trusted_threshold,
    unbiased_level,
    unbiased_line,
)
from leapfrog_training.head.manifest import NO_CORRECTION, head_manifest
from leapfrog_training.head.reading import HeadAnswer, error_mm, kiosk_finding, read_head


class MaskShape:
    """A segmenter's shapes, without the model."""

    input = TensorSpec((1, 128, 192, 1), "int8", 1 / 127.5, 0)

    def output_of_rank(self, rank: int) -> int:
        return 0


MODEL: Any = MaskShape()
INPUT = ModelInput(height=128, width=192)


def perfect_answers(images: Sequence[HeadImage]) -> list[HeadAnswer]:
    answers = []
    for image in images:
        line = outline(image)
        mask = head_mask(line, 64, 96)[np.newaxis, :, :, np.newaxis]
        answers.append(HeadAnswer(image, shown_to_segmenter(INPUT, line.astype(np.uint8))[0], (mask,)))
    return answers


def scores_at(level: float, images: Sequence[HeadImage]) -> HeadScores:
    manifest = head_manifest("0", MODEL, threshold=0.5, level=level)
    readings = [read_head(manifest, answer) for answer in perfect_answers(images)]
    return head_scores(readings, resample([image.patient for image in images]))


def test_a_perfect_mask_of_a_made_up_head_measures_true(made_up_heads: Any) -> None:
    images = open_hc18(made_up_heads.write(["000_HC.png", "001_HC.png", "002_HC.png"], validation=[])).records
    scores = scores_at(0.5, images)
    assert scores.not_measured == 0
    assert scores.dice.value > 0.985
    assert scores.absolute_error_mm.value < 1.0
    assert scores.masks.non_empty_pictures == 3
    assert scores.masks.kaggle.value > 0.985


def test_the_outline_that_is_drawn_is_judged_and_the_mask_beside_it(made_up_heads: Any) -> None:
    """A mask with a ragged edge: the ellipse smooths it."""
    images = open_hc18(made_up_heads.write(["000_HC.png"], validation=[])).records
    (whole,) = perfect_answers(images)
    mask = whole.outputs[0].copy()
    edge = (mask > 0.1) & (mask < 0.9)
    mask[edge] = np.random.default_rng(0).integers(0, 2, int(edge.sum()))
    ragged = HeadAnswer(images[0], whole.area, (mask,))
    reading = read_head(head_manifest("0", MODEL, threshold=1.0, level=0.5), ragged)
    assert not reading.finding.flagged  # the threshold is out of reach, and yet the outline is compared
    assert reading.overlap.dice > reading.mask_overlap.dice + 0.005
    nothing = HeadAnswer(images[0], whole.area, (np.zeros_like(mask),))
    assert read_head(head_manifest("0", MODEL, 0.5, 0.5), nothing).overlap.dice == 0


def test_the_level_takes_the_bias_of_the_drawn_outlines_away(shared_data: Path) -> None:
    images = open_hc18(shared_data / "hc18").in_split("train")[::20]
    level = unbiased_level(MODEL, perfect_answers(images))
    assert level > 0.5
    assert scores_at(0.5, images).mean_error_mm > 0.5
    corrected = scores_at(level, images)
    assert abs(corrected.mean_error_mm) < 0.1
    assert corrected.absolute_error_mm.value < 0.4
    for beside in (level - 0.01, level + 0.01):
        assert abs(scores_at(beside, images).mean_error_mm) >= abs(corrected.mean_error_mm)


def test_the_threshold_is_below_what_nearly_all_training_pictures_reach(made_up_heads: Any) -> None:
    images = open_hc18(made_up_heads.write(["000_HC.png", "001_HC.png"], validation=[])).records
    answers = perfect_answers(images)
    threshold = trusted_threshold(head_manifest("0", MODEL, 0.0, 0.5), answers)
    readings = [read_head(head_manifest("0", MODEL, threshold, 0.5), answer) for answer in answers]
    assert 0.8 <= threshold < min(reading.finding.score for reading in readings)
    assert all(reading.finding.flagged for reading in readings)


def test_the_line_leads_from_what_is_measured_to_what_is_true(made_up_heads: Any) -> None:
    names = [f"{number:03}_HC.png" for number in range(FEWEST_PAIRS + 5)]
    manifest = head_manifest("0", MODEL, threshold=0.5, level=0.5)
    measured = []
    for answer in perfect_answers(open_hc18(made_up_heads.write(names, validation=[])).records):
        measurement = kiosk_finding(manifest, answer).measurement
        if measurement is not None:
            image = replace(answer.image, head_circumference_mm=1.05 * measurement.value - 3)
            measured.append(replace(answer, image=image))
    answers = measured[:FEWEST_PAIRS]
    assert len(answers) == FEWEST_PAIRS
    line = unbiased_line(manifest, answers)
    assert line.slope == pytest.approx(1.05, abs=0.001)
    assert line.offset_mm == pytest.approx(-3, abs=0.2)
    corrected = head_manifest("0", MODEL, 0.5, 0.5, line)
    errors = [error_mm(kiosk_finding(corrected, answer), answer.image) for answer in answers]
    assert all(error == pytest.approx(0, abs=0.2) for error in errors)
    assert unbiased_line(manifest, answers[1:]) == NO_CORRECTION, "too few pictures for a line"
    askew = [
        replace(one, image=replace(one.image, head_circumference_mm=0.8 * one.image.head_circumference_mm))
        for one in answers
    ]
    with pytest.raises(RunError, match="has not learnt to outline heads"):
        unbiased_line(manifest, askew)
