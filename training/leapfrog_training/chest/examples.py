"""Draws films that the shipped network reads correctly and wrongly, for the people who train it. They show patients, so
they stay in the run's folder.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog.reader.assess.classification import heat_map
from leapfrog_training.chest.evaluation import ShippedFilms
from leapfrog_training.chest.labels import chest_label
from leapfrog_training.chest.rules import CrossValidatedRule
from leapfrog_training.datasets.chestxray14 import Film
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.drawing import VERMILLION, canvas, photograph
from leapfrog_training.evaluate.forms import Form

EXAMPLES_OF_EACH = 2


def chest_examples(rules: tuple[CrossValidatedRule, ...], shipped: ShippedFilms) -> dict[str, bytes]:
    """The clearest examples of each finding, by file name: those found with the highest scores, missed with the lowest,
    and false alarms with the highest.
    """
    read = shipped.read[Form.INT8]
    drawn = {}
    for k, rule in enumerate(rules):
        positive, flagged, scores = shipped.labels[:, k], read.flagged[:, k], read.scores[:, k]
        kinds = {
            "found": (positive & flagged, -scores),
            "missed": (positive & ~flagged, scores),
            "false-alarm": (~positive & flagged, -scores),
        }
        for kind, (chosen, order) in kinds.items():
            for number, index in enumerate(_first(chosen, order), start=1):
                film, result = shipped.films[index], f"score {scores[index]:.2f}, threshold {rule.threshold:.2f}"
                title = f"{chest_label(rule.label).name}: {kind.replace('-', ' ')}; {result}"
                drawn[f"{rule.label.lower()}-{kind}-{number}.png"] = _draw(
                    film, rule.label, title, shipped.maps[index, :, :, k]
                )
    return drawn


def _first(chosen: NDArray[np.bool_], order: NDArray[np.float64]) -> list[int]:
    indices = np.flatnonzero(chosen)
    return [int(index) for index in indices[np.argsort(order[indices], kind="stable")][:EXAMPLES_OF_EACH]]


def _draw(film: Film, label: str, title: str, evidence: NDArray[np.float32]) -> bytes:
    gray = read_gray(film.path)
    heat = heat_map(evidence)
    with canvas(8, 4.8, 1, 2) as (figure, axes):
        for panel in axes[0]:
            panel.imshow(gray, cmap="gray", extent=(0, 1, 1, 0), vmin=0, vmax=255)
            panel.set_axis_off()
            _draw_boxes(panel, film, label)
        if heat is not None:
            axes[0, 1].imshow(heat, cmap="inferno", alpha=0.45, extent=(0, 1, 1, 0), interpolation="bilinear")
        truth = ", ".join(sorted(film.labels)) or "no finding"
        axes[0, 0].set_title(f"{film.path.name}: labelled {truth}", fontsize=9)
        axes[0, 1].set_title("heat map" if heat is not None else "the heat map is flat", fontsize=9)
        figure.suptitle(title)
        return photograph(figure)


def _draw_boxes(panel: Any, film: Film, label: str) -> None:
    from matplotlib.patches import Rectangle

    for box in film.boxes:
        if box.label == label:
            corner = (box.left, box.top)
            panel.add_patch(Rectangle(corner, box.width, box.height, fill=False, edgecolor=VERMILLION, linewidth=2))
