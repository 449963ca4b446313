"""Models that see one cue of a film only: how far brightness, border, texture, a thumbnail or a film without lungs
tells abnormal from normal films. Whatever a network scores above these, it has learned from something else.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog_training.chest.linear_head import linear_head
from leapfrog_training.evaluate.controls import BORDER, Gray, lungs_masked

SIDE = 160
THUMBNAIL = 16
CELLS = 20  # a side, of pictures of which the shade and the strength of edges are described
QUANTILES = np.linspace(0.02, 0.98, 13)
TEXTURE_SCALES = 4

Features = NDArray[np.float32]


def _shrunk(film: Gray, side: int) -> NDArray[np.float32]:
    shrunk = Image.fromarray(film).resize((side, side), Image.Resampling.BOX)
    return np.asarray(shrunk, dtype=np.float32) / np.float32(255)


def brightness(film: Gray) -> Features:
    """Mean, spread and quantiles of the grays."""
    grays = film.astype(np.float32) / 255
    return np.array([grays.mean(), grays.std(), *np.quantile(grays, QUANTILES)], dtype=np.float32)


def border(film: Gray) -> Features:
    """The shade of the outer part, in small cells."""
    cells = _shrunk(film, CELLS)
    wide = round(BORDER * CELLS)
    outside = np.ones(cells.shape, dtype=np.bool_)
    outside[wide:-wide, wide:-wide] = False
    return np.asarray(cells[outside])


def texture(film: Gray) -> Features:
    """How strong and how spiky detail is at several scales."""
    values, side = [], SIDE
    for _ in range(TEXTURE_SCALES):
        shown = _shrunk(film, side)
        detail = shown[1:-1, 1:-1] - (shown[:-2, 1:-1] + shown[2:, 1:-1] + shown[1:-1, :-2] + shown[1:-1, 2:]) / 4
        strength = float(detail.std()) + 1e-4
        values += [np.log(strength), np.log(float(np.abs(detail).mean()) / strength + 1e-3)]
        side //= 2
    return np.array(values, dtype=np.float32)


def thumbnail(film: Gray) -> Features:
    """16 x 16 pixels."""
    return _shrunk(film, THUMBNAIL).ravel()


def without_lungs(film: Gray) -> Features:
    """Shade and strength of edges of the film with its lungs masked, in small cells."""
    masked = lungs_masked(film)
    down, right = np.gradient(_shrunk(masked, CELLS * 4))
    edges = np.hypot(down, right).reshape(CELLS, 4, CELLS, 4).mean(axis=(1, 3))
    return np.concatenate([_shrunk(masked, CELLS).ravel(), np.sqrt(edges).ravel()]).astype(np.float32)


CUES: Mapping[str, Callable[[Gray], Features]] = {
    "brightness": brightness,
    "the border": border,
    "texture": texture,
    "a thumbnail of 16 x 16 pixels": thumbnail,
    "the film without its lungs": without_lungs,
}


def cue_scores(
    cue: Callable[[Gray], Features],
    training: Sequence[Gray],
    sick: NDArray[np.bool_],
    weights: NDArray[np.float32],
    shown: Sequence[Gray],
) -> NDArray[np.float64]:
    """The scores of films `shown` by a linear model of the cue, fitted to `training` films, which are `sick` or not and
    count as much as their `weights`.
    """
    features = np.stack([cue(film) for film in training])
    head, bias = linear_head(features, sick[:, np.newaxis].astype(np.float32), weights[:, np.newaxis])
    return np.asarray(np.stack([cue(film) for film in shown]) @ head[:, 0] + bias[0])
