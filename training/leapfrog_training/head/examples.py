"""Draws pictures that the shipped network outlines well and badly, for the people who train it. They show patients, so
they stay in the run's folder.
"""

from collections.abc import Sequence

import numpy as np

from leapfrog_training.datasets.hc18 import outline
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.drawing import BLUE, VERMILLION, canvas, photograph
from leapfrog_training.head.reading import HeadReading

EXAMPLES_OF_EACH = 3


def head_examples(readings: Sequence[HeadReading]) -> dict[str, bytes]:
    """The best, middling and worst outlines, the largest errors in mm, and pictures not measured, by file name."""
    by_dice = sorted(readings, key=lambda reading: reading.overlap.dice)
    measured = [reading for reading in readings if reading.error_mm is not None]
    middle = max(0, len(by_dice) // 2 - 1)
    kinds = {
        "best": by_dice[::-1],
        "middling": by_dice[middle:],
        "worst": by_dice,
        "largest-error": sorted(measured, key=lambda reading: -abs(reading.error_mm or 0.0)),
        "not-measured": [reading for reading in readings if reading.error_mm is None],
    }
    return {
        f"{kind}-{number}.png": _draw(reading, kind.replace("-", " "))
        for kind, chosen in kinds.items()
        for number, reading in enumerate(chosen[:EXAMPLES_OF_EACH], start=1)
    }


def _draw(reading: HeadReading, kind: str) -> bytes:
    image, finding = reading.image, reading.finding
    gray = read_gray(image.path)
    rows, columns = gray.shape
    with canvas(6.4, 0.9 + 6.0 * rows / columns) as (figure, axes):
        panel = axes[0, 0]
        panel.imshow(gray, cmap="gray", vmin=0, vmax=255)
        drawn = np.argwhere(outline(image))
        panel.scatter(drawn[:, 1], drawn[:, 0], s=0.4, color=VERMILLION, label="annotator")
        for polygon in finding.contour or ():
            points = np.array([*polygon, polygon[0]]) * (columns, rows)
            panel.plot(points[:, 0], points[:, 1], color=BLUE, linewidth=1.6, label="kiosk")
        panel.set_axis_off()
        result = "not measured" if finding.measurement is None else f"measured {finding.measurement.value:.1f} mm"
        figure.suptitle(
            f"{image.path.name} ({kind}): Dice {reading.overlap.dice:.3f}, {result}, "
            f"true {image.head_circumference_mm:.1f} mm",
            fontsize=9,
        )
        legend = panel.legend(loc="lower right", labelcolor="white", markerscale=8)
        legend.set_zorder(5)
        return photograph(figure)
