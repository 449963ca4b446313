"""The figure of the card of nerve and, for the run's folder only, pictures as the kiosk outlines them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog.exam import Finding
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.datasets.nerve_picture import nerve_mask, vessel_mask
from leapfrog_training.drawing import BLUE, VERMILLION, canvas, photograph, png
from leapfrog_training.nerve.manifest import VESSEL
from leapfrog_training.nerve.reading import NerveReading

DICE_FILE = "dice.png"
DICE_BINS = 20
SHEET_FILE = "outlines.png"
ON_SHEET = 24  # the worst third, around the median, and the best
COLUMNS = 6


def nerve_figures(readings: Sequence[NerveReading]) -> dict[str, bytes]:
    """The figure, by file name: how well the outlines fit in pictures with a drawn nerve."""
    shown = [reading for reading in readings if reading.picture.has_nerve]
    values = np.array([reading.nerve.dice for reading in shown])
    without = sum(not reading.is_outlined for reading in shown)
    with canvas(6.6, 3.6) as (figure, axes):
        panel = axes[0, 0]
        panel.hist(values, bins=np.linspace(0, 1, DICE_BINS + 1), color=BLUE, edgecolor="white", linewidth=0.5)
        panel.axvline(values.mean(), color=VERMILLION, linestyle="--", label=f"mean {values.mean():.3f}")
        panel.set_xlabel("Dice: overlap of what is outlined with the annotator's nerves (1: the same)")
        panel.set_ylabel("Pictures")
        panel.set_title(f"{len(values)} pictures with a nerve that no training saw, {without} not outlined, int8")
        panel.legend(loc="upper left")
        return {DICE_FILE: png(figure)}


def nerve_examples(readings: Sequence[NerveReading]) -> dict[str, bytes]:
    """Pictures of the data set as the kiosk outlines them, from the worst to the best, beside the annotator's nerves:
    by file name.
    """
    ordered = sorted((one for one in readings if one.picture.has_nerve), key=lambda one: one.nerve.dice)
    positions = np.unique(np.linspace(0, len(ordered) - 1, min(ON_SHEET, len(ordered))).astype(int))
    chosen = [ordered[position] for position in positions]
    return {SHEET_FILE: _sheet(chosen)}


def _sheet(readings: Sequence[NerveReading]) -> bytes:
    rows = -(-len(readings) // COLUMNS)
    with canvas(2.4 * COLUMNS, 2.5 * rows, rows=rows, columns=COLUMNS, style={}) as (figure, axes):
        for panel in axes.flat:
            panel.set_axis_off()
        for panel, reading in zip(axes.flat, readings, strict=False):
            _draw(panel, reading)
        figure.suptitle("white: annotator; yellow: nerve, blue: vessel as the kiosk draws them", fontsize=9)
        figure.tight_layout()
        return photograph(figure)


def _draw(panel: Any, reading: NerveReading) -> None:
    gray = read_gray(reading.picture.path)
    panel.imshow(gray, cmap="gray", vmin=0, vmax=255)
    for mask in (nerve_mask(reading.picture), vessel_mask(reading.picture)):
        if mask.any():
            panel.contour(mask, levels=[0.5], colors="white", linewidths=0.6)
    for finding in reading.findings:
        for points in _outlines(finding, *gray.shape):
            colour = "deepskyblue" if finding.name == VESSEL else "yellow"
            panel.plot(points[:, 0], points[:, 1], color=colour, linewidth=1.1)
    panel.set_title(f"{reading.picture.path.stem}: {reading.nerve.dice:.2f}", fontsize=7)


def _outlines(finding: Finding, rows: int, columns: int) -> list[NDArray[np.float64]]:
    return [np.array([*polygon, polygon[0]]) * (columns, rows) for polygon in finding.contour or ()]
