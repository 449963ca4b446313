"""Draws films that the shipped network reads correctly and wrongly, for the people who train it. They show patients, so
they stay in the run's folder.
"""

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.chest.evaluation.evaluation import ShippedFilms
from leapfrog_training.chest.films import AdultFilm
from leapfrog_training.chest.labels import chest_label
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.drawing import canvas, photograph

EXAMPLES_OF_EACH = 4


def chest_examples(shipped: ShippedFilms) -> dict[str, bytes]:
    """The clearest examples of each finding, by file name: those found with the highest scores, missed with the lowest,
    and false alarms with the highest.
    """
    drawn = {}
    for k, label in enumerate(shipped.pairs.findings):
        positive, flagged = shipped.pairs.labels[:, k], shipped.read.flagged[:, k]
        scores = shipped.read.scores[:, k]
        kinds = {
            "found": (positive & flagged, -scores),
            "missed": (positive & ~flagged, scores),
            "false-alarm": (~positive & flagged, -scores),
        }
        for kind, (chosen, order) in kinds.items():
            first = _first(chosen, order)
            if first:
                title = f"{chest_label(label).name}: {kind.replace('-', ' ')}"
                films = [(shipped.pairs.films[index], float(scores[index])) for index in first]
                drawn[f"{label.lower()}-{kind}.png"] = _draw(films, title)
    return drawn


def _first(chosen: NDArray[np.bool_], order: NDArray[np.float64]) -> list[int]:
    indices = np.flatnonzero(chosen)
    return [int(index) for index in indices[np.argsort(order[indices], kind="stable")][:EXAMPLES_OF_EACH]]


def _draw(films: list[tuple[AdultFilm, float]], title: str) -> bytes:
    with canvas(3.2 * len(films), 3.9, 1, len(films)) as (figure, axes):
        for panel, (film, score) in zip(axes[0], films, strict=True):
            panel.imshow(read_gray(film.path), cmap="gray", vmin=0, vmax=255)
            panel.set_axis_off()
            labels = ", ".join(sorted(film.labels)) or "no finding"
            panel.set_title(f"{film.source}, {film.view}: {labels}\nscore {score:.2f}", fontsize=7)
        figure.suptitle(title)
        return photograph(figure)
