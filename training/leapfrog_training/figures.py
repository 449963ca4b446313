"""The figures of a card: what a model is worth, drawn for people. No patient's picture is in them.

Runs on the training machine only.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.reliability import Reliability

# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
RESOLUTION = 90  # dots per inch: a figure stays below 60 kB

Scores = NDArray[np.floating]
Panel = tuple[str, NDArray[np.uint8], NDArray[np.floating] | None]  # title, gray picture, map over it


def draw_roc(path: Path, positives: Mapping[str, NDArray[np.bool_]], forms: Mapping[str, Mapping[str, Scores]]) -> None:
    """A ROC curve for each finding; `forms` holds each form's scores by finding, the first one drawn whole."""
    plt = _pyplot()
    columns = min(3, len(positives))
    rows = -(-len(positives) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.4 * columns, 3.5 * rows), squeeze=False)
    for axis in axes.ravel()[len(positives) :]:
        axis.set_axis_off()
    for axis, (finding, positive) in zip(axes.ravel(), positives.items(), strict=False):
        for number, (form, scores) in enumerate(forms.items()):
            false, true = _roc(positive, scores[finding])
            axis.plot(false, true, color=COLOURS[number], linestyle="-" if number == 0 else "--", label=form)
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
        axis.set_title(f"{finding} ({int(positive.sum())} of {len(positive)} films)", fontsize=9)
        axis.set_xlabel("flagged among films without it", fontsize=8)
        axis.set_ylabel("flagged among films with it", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.set_aspect("equal")
    axes[0, 0].legend(fontsize=8, loc="lower right")
    _save(plt, figure, path)


def draw_reliability(path: Path, measured: Mapping[str, Reliability]) -> None:
    """Mean score against the share of films that carry the finding, a line for each finding."""
    plt = _pyplot()
    figure, axis = plt.subplots(figsize=(5, 4.6))
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8, label="score = share")
    for number, (finding, one) in enumerate(measured.items()):
        axis.plot(
            [group.mean_score for group in one.groups],
            [group.share_positive for group in one.groups],
            marker="o",
            markersize=4,
            color=COLOURS[number % len(COLOURS)],
            label=finding,
        )
    axis.set_xlabel("mean score of a group of films")
    axis.set_ylabel("share of the group that carries the finding")
    axis.legend(fontsize=8)
    axis.grid(alpha=0.3)
    _save(plt, figure, path)


def draw_histogram(path: Path, values: Sequence[float], label: str, counted: str, mark: float | None = None) -> None:
    """How often each value occurs; `mark` is a line to compare with, such as no error."""
    plt = _pyplot()
    figure, axis = plt.subplots(figsize=(5, 3.4))
    axis.hist(values, bins=24, color=COLOURS[0], edgecolor="white")
    mean = float(np.mean(values))
    axis.axvline(mean, color=COLOURS[1], label=f"mean {mean:.3g}")
    if mark is not None:
        axis.axvline(mark, color="0.3", linestyle=":", label=f"{mark:g}")
    axis.set_xlabel(label)
    axis.set_ylabel(f"{counted} (n = {len(values)})")
    axis.legend(fontsize=8)
    _save(plt, figure, path)


def draw_agreement(path: Path, true_mm: Sequence[float], errors_mm: Sequence[float]) -> None:
    """Error of a measurement against its size, with the limits between which 95 % lie (Bland and Altman 1986)."""
    plt = _pyplot()
    figure, axis = plt.subplots(figsize=(5.4, 3.8))
    mean, spread = float(np.mean(errors_mm)), float(np.std(errors_mm))
    axis.scatter(true_mm, errors_mm, s=12, color=COLOURS[0], alpha=0.7)
    axis.axhline(mean, color=COLOURS[1], label=f"mean {mean:+.1f} mm")
    for limit in (mean - 1.96 * spread, mean + 1.96 * spread):
        axis.axhline(limit, color=COLOURS[1], linestyle="--", linewidth=0.9)
    axis.axhline(mean + 1.96 * spread, color=COLOURS[1], linestyle="--", label=f"mean ± {1.96 * spread:.1f} mm")
    axis.set_xlabel("head circumference, mm, as the data set states it")
    axis.set_ylabel(f"error, mm (n = {len(errors_mm)})")
    axis.legend(fontsize=8)
    axis.grid(alpha=0.3)
    _save(plt, figure, path)


def draw_examples(path: Path, panels: Sequence[Panel]) -> None:
    """Pictures with titles, each with a map over it. For the run's folder only: they are patients'."""
    plt = _pyplot()
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.2 * columns, 3.4 * rows), squeeze=False)
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, (title, gray, heat) in zip(axes.ravel(), panels, strict=False):
        extent = (0, gray.shape[1], gray.shape[0], 0)
        axis.imshow(gray, cmap="gray", vmin=0, vmax=255, extent=extent)
        if heat is not None:
            axis.imshow(heat, cmap="viridis", alpha=0.35, extent=extent, interpolation="bilinear")
        axis.set_title(title, fontsize=8)
    _save(plt, figure, path)


def _roc(positive: NDArray[np.bool_], scores: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares flagged among the negatives and the positives, from the highest threshold to the lowest."""
    order = np.argsort(-scores, kind="stable")
    changes = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    true = np.cumsum(positive[order])[changes] / max(int(positive.sum()), 1)
    false = np.cumsum(~positive[order])[changes] / max(int((~positive).sum()), 1)
    return np.insert(false, 0, 0.0), np.insert(true, 0, 0.0)


@contextmanager
def drawing(path: Path, columns: int, width: float, height: float) -> Iterator[Sequence[Any]]:
    """Axes side by side, each `width` x `height` inches, saved to `path` in the end."""
    plt = _pyplot()
    figure, axes = plt.subplots(1, columns, figsize=(width * columns, height), squeeze=False)
    yield list(axes[0])
    _save(plt, figure, path)


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt


def _save(plt: Any, figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=RESOLUTION)
    plt.close(figure)
