"""The figure of the card of brachial-plexus."""

from collections.abc import Sequence

import numpy as np

from leapfrog_training.drawing import BLUE, VERMILLION, canvas, png
from leapfrog_training.nerve.reading import NerveReading

DICE_FILE = "dice.png"
DICE_BINS = 20


def nerve_figures(readings: Sequence[NerveReading]) -> dict[str, bytes]:
    """The figure, by file name: how well the outlines fit in pictures with a drawn nerve."""
    values = np.array([reading.overlap.dice for reading in readings if reading.image.has_nerve])
    with canvas(6.6, 3.6) as (figure, axes):
        panel = axes[0, 0]
        panel.hist(values, bins=np.linspace(0, 1, DICE_BINS + 1), color=BLUE, edgecolor="white", linewidth=0.5)
        panel.axvline(values.mean(), color=VERMILLION, linestyle="--", label=f"mean {values.mean():.3f}")
        panel.set_xlabel("Dice: overlap of the model's nerve with the annotator's (1: the same)")
        panel.set_ylabel("Pictures")
        panel.set_title(f"{len(values)} pictures of other patients in which a nerve was drawn, int8")
        panel.legend(loc="upper left")
        return {DICE_FILE: png(figure)}
