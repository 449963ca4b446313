"""The figures of chest-findings, and films that it read rightly and wrongly. Runs on the training machine only."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leapfrog.reading.classification import heat_map
from leapfrog.reading.package import Manifest
from leapfrog_training.chest.films import truth
from leapfrog_training.datasets.chestxray14 import Film
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate import raw_scores
from leapfrog_training.figures import draw_examples, draw_reliability, draw_roc
from leapfrog_training.kiosk import KioskModel
from leapfrog_training.reliability import reliability
from leapfrog_training.runs import SHIPPED_SEED, Run

ROC_FIGURE, RELIABILITY_FIGURE = "roc.png", "reliability.png"


def draw_chest(
    run: Run,
    films: Sequence[Film],
    manifest: Manifest,
    scores: NDArray[np.float64],
    maps: NDArray[np.float32],
) -> None:
    """Draw the card's figures and the examples from the kiosk's `scores` (films, findings) and the model's `maps`
    (films, rows, columns, findings).
    """
    labels = run.notes.findings
    names = [rule.name for rule in manifest.finding]
    carried = truth(films, labels)
    float_scores = raw_scores(KioskModel(run.seed(SHIPPED_SEED).float32), films)
    by_name = {name: carried[:, k] for k, name in enumerate(names)}
    draw_roc(
        run.figures / ROC_FIGURE,
        by_name,
        {
            "int8": {name: scores[:, k] for k, name in enumerate(names)},
            "float32": {name: float_scores[:, k] for k, name in enumerate(names)},
        },
    )
    measured = {name: reliability(carried[:, k], scores[:, k]) for k, name in enumerate(names)}
    draw_reliability(run.figures / RELIABILITY_FIGURE, measured)
    for k, label in enumerate(labels):
        draw_examples(
            run.examples / f"{label}.png", _panels(films, carried[:, k], scores[:, k], maps[..., k], manifest, k)
        )


def _panels(
    films: Sequence[Film],
    positive: NDArray[np.bool_],
    scores: NDArray[np.float64],
    maps: NDArray[np.float32],
    manifest: Manifest,
    finding: int,
) -> list[tuple[str, NDArray[np.uint8], NDArray[np.floating] | None]]:
    """The surest film of each kind: rightly and wrongly flagged, rightly and wrongly not."""
    flagged = scores >= manifest.finding[finding].threshold
    panels: list[tuple[str, NDArray[np.uint8], NDArray[np.floating] | None]] = []
    for title, kind, sign in (
        ("rightly flagged", positive & flagged, 1),
        ("wrongly flagged", ~positive & flagged, 1),
        ("missed", positive & ~flagged, -1),
        ("rightly not flagged", ~positive & ~flagged, -1),
    ):
        chosen = np.flatnonzero(kind)
        if len(chosen):
            film = int(chosen[np.argmax(sign * scores[chosen])])
            panels.append((f"{title}, score {scores[film]:.2f}", read_gray(films[film].path), heat_map(maps[film])))
    return panels
