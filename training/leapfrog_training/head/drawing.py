"""The figures of fetal-head, and pictures that it outlined best and worst. Runs on the training machine only."""

from collections.abc import Sequence

import numpy as np

from leapfrog_training.datasets.hc18 import HeadImage
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate import HeadAnswer, HeadReading
from leapfrog_training.figures import draw_agreement, draw_examples, draw_histogram
from leapfrog_training.runs import Run

DICE_FIGURE, ERROR_FIGURE = "dice.png", "head-circumference.png"
SHOWN = 4  # of the best and of the worst


def draw_heads(
    run: Run, images: Sequence[HeadImage], readings: Sequence[HeadReading], answers: Sequence[HeadAnswer]
) -> None:
    """Draw the card's figures and the examples from the kiosk's readings of the validation pictures."""
    overlaps = [reading.dice for reading in readings]
    draw_histogram(run.figures / DICE_FIGURE, overlaps, "Dice of outline and drawn head", "pictures")
    measured = [
        (image.head_circumference_mm, reading.error_mm)
        for image, reading in zip(images, readings, strict=True)
        if reading.error_mm is not None
    ]
    draw_agreement(run.figures / ERROR_FIGURE, [size for size, _ in measured], [error for _, error in measured])
    order = np.argsort(overlaps)
    for name, chosen in (("worst", order[:SHOWN]), ("best", order[::-1][:SHOWN])):
        panels = [
            (f"Dice {overlaps[index]:.3f}", read_gray(images[index].path), answers[index].outputs[0][0, :, :, 0])
            for index in map(int, chosen)
        ]
        draw_examples(run.examples / f"{name}.png", panels)
