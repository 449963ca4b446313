"""The figures of the card of fetal-head."""

from collections.abc import Sequence

import numpy as np

from leapfrog_training.drawing import BLACK, BLUE, GRAY, VERMILLION, canvas, png
from leapfrog_training.head.reading import HeadReading

DICE_FILE, CIRCUMFERENCE_FILE = "dice.png", "circumference.png"
DICE_BINS = 30
LIMITS_OF_AGREEMENT = 1.96  # standard deviations (Bland and Altman, Lancet 1986)


def head_figures(readings: Sequence[HeadReading]) -> dict[str, bytes]:
    """Every figure, by file name, for the shipped int8 network on the validation pictures."""
    return {DICE_FILE: draw_dice(readings), CIRCUMFERENCE_FILE: draw_circumference(readings)}


def draw_dice(readings: Sequence[HeadReading]) -> bytes:
    """The number of pictures by Dice."""
    values = np.array([reading.overlap.dice for reading in readings])
    lowest = np.floor(values.min() * 50) / 50
    with canvas(6.6, 3.6) as (figure, axes):
        panel = axes[0, 0]
        panel.hist(values, bins=np.linspace(lowest, 1, DICE_BINS + 1), color=BLUE, edgecolor="white", linewidth=0.5)
        panel.axvline(np.median(values), color=VERMILLION, linestyle="--", label=f"median {np.median(values):.3f}")
        panel.axvline(values.mean(), color=BLACK, linestyle=":", label=f"mean {values.mean():.3f}")
        panel.set_xlim(lowest, 1)
        panel.set_xlabel("Dice: overlap of the model's head with the annotator's (1: the same)")
        panel.set_ylabel("Pictures")
        panel.set_title(f"How well the outline fits: {len(values)} pictures of other subjects, int8")
        panel.legend(loc="upper left")
        return png(figure)


def draw_circumference(readings: Sequence[HeadReading]) -> bytes:
    """The error of each measured head circumference by its size, with the limits of agreement."""
    measured = [(reading.image.head_circumference_mm, reading.error_mm) for reading in readings]
    known = np.array([(size + error / 2, error) for size, error in measured if error is not None])
    sizes, errors = known[:, 0], known[:, 1]
    mean, reach = errors.mean(), LIMITS_OF_AGREEMENT * errors.std(ddof=1)
    with canvas(6.6, 4.2) as (figure, axes):
        panel = axes[0, 0]
        panel.axhline(0, color=GRAY, linewidth=0.8)
        panel.scatter(sizes, errors, s=16, color=BLUE, alpha=0.7, linewidths=0)
        panel.axhline(mean, color=VERMILLION, linestyle="--", label=f"mean {mean:+.1f} mm")
        for limit in (mean - reach, mean + reach):
            panel.axhline(limit, color=BLACK, linestyle=":")
        panel.plot(
            [],
            [],
            color=BLACK,
            linestyle=":",
            label=f"95 % between {mean - reach:+.1f} and {mean + reach:+.1f} mm",
        )
        panel.set_xlabel("Head circumference, mean of measured and true, mm")
        panel.set_ylabel("Measured minus true, mm")
        unmeasured = len(readings) - len(known)
        panel.set_title(f"Error of the head circumference: {len(known)} pictures measured, {unmeasured} not, int8")
        panel.legend(loc="upper left", ncols=2)
        panel.margins(y=0.15)
        return png(figure)
