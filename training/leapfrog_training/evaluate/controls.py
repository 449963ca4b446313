"""Films changed so that they show whether a network looks at the lungs, or at something else that tells where a film
comes from.

A network that only looks at lungs cannot tell films apart whose lungs are masked, or of which only the border is left;
it answers the same if a film is given other grays, and if the lungs are put into another patient's film.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Gray = NDArray[np.uint8]
Histogram = NDArray[np.float64]  # (256,), the share of each gray

GRAYS = 256
LEAST_LIGHT = 0.15  # of the film's brightest parts: below it, a row or column lies outside the exposed field
DARKEST_FIELD = 8.0  # gray
LEAST_FIELD = 1 / 3  # of the film's height or width: a smaller field was not found
BORDER = 0.12  # of the film's height or width


@dataclass(frozen=True)
class Ellipse:
    """An upright ellipse, in fractions of the exposed field's width and height."""

    x: float
    y: float
    half_width: float
    half_height: float


# Checked by eye on 50 films of children: both lungs but for their outermost and lowest rims.
LUNGS = (Ellipse(0.285, 0.46, 0.185, 0.37), Ellipse(0.715, 0.46, 0.185, 0.37))


@dataclass(frozen=True)
class Field:
    """The exposed field in pixels; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top


def exposed_field(film: Gray) -> Field:
    """The part of the film (rows, columns) inside the collimator's edges; the whole film if there are none."""
    rows, columns = film.shape
    light = max(LEAST_LIGHT * float(np.percentile(film, 95)), DARKEST_FIELD)
    lit_rows = np.flatnonzero(np.percentile(film, 90, axis=1) > light)
    lit_columns = np.flatnonzero(np.percentile(film, 90, axis=0) > light)
    if len(lit_rows) < LEAST_FIELD * rows or len(lit_columns) < LEAST_FIELD * columns:
        return Field(0, 0, columns, rows)
    return Field(int(lit_columns[0]), int(lit_rows[0]), int(lit_columns[-1]) + 1, int(lit_rows[-1]) + 1)


def distance_from_lungs(film: Gray, lungs: tuple[Ellipse, ...] = LUNGS) -> NDArray[np.float32]:
    """For each pixel of the film its distance from the middle of the nearer lung, in that ellipse's half axes: below 1
    inside, 1 on the edge.
    """
    field = exposed_field(film)
    rows, columns = film.shape
    y, x = np.ogrid[0.5 : rows + 0.5, 0.5 : columns + 0.5]
    squared = [
        ((x - field.left) / field.width - lung.x) ** 2 / lung.half_width**2
        + ((y - field.top) / field.height - lung.y) ** 2 / lung.half_height**2
        for lung in lungs
    ]
    return np.asarray(np.sqrt(np.minimum.reduce(squared)), dtype=np.float32)


def lungs_masked(film: Gray) -> Gray:
    """The film with both lungs' ellipses filled with the mean gray of its exposed field."""
    field = exposed_field(film)
    masked = film.copy()
    mean = film[field.top : field.bottom, field.left : field.right].mean()
    masked[distance_from_lungs(film) <= 1] = round(float(mean))
    return masked


def border_alone(film: Gray) -> Gray:
    """The outer BORDER of the film, with all inside filled with the film's mean gray."""
    rows, columns = (round(BORDER * side) for side in film.shape)
    alone = film.copy()
    alone[rows:-rows, columns:-columns] = round(float(film.mean()))
    return alone


def histogram(film: Gray) -> Histogram:
    """The share of each gray in the film."""
    return np.bincount(film.ravel(), minlength=GRAYS) / film.size


def with_grays(film: Gray, wanted: Histogram) -> Gray:
    """The film with its grays replaced, in their order, so that their histogram is about the `wanted` one."""
    of_film = histogram(film)
    # A gray's rank is the middle of its share, so that a gray with a large share is not pushed to one side.
    ranks, wanted_ranks = (np.cumsum(shares) - shares / 2 for shares in (of_film, wanted))
    replaced = np.interp(ranks, wanted_ranks, np.arange(GRAYS))
    return np.asarray(replaced.round().astype(np.uint8)[film])


def lungs_in(film: Gray, frame: Gray, edge: float = 0.05, lungs: tuple[Ellipse, ...] = LUNGS) -> Gray:
    """The lungs of `film` in `frame`, another film, which is given the size and the grays of `film` first.

    `edge` is the width of the gradual passage from one to the other, in the ellipses' half axes.
    """
    nearness = 1 / (1 + np.exp((distance_from_lungs(film, lungs) - 1) / edge))
    if frame.shape != film.shape:
        frame = np.asarray(Image.fromarray(frame).resize(film.shape[::-1], Image.Resampling.BILINEAR), dtype=np.uint8)
    around = with_grays(frame, histogram(film))
    return np.asarray((nearness * film + (1 - nearness) * around).round().astype(np.uint8))
