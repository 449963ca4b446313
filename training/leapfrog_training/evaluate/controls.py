"""Films changed so that they show whether a network looks at the lungs, or at something else that tells where a film
comes from.

A network that only looks at lungs cannot tell films apart whose lungs are masked, or of which only the border is left;
it answers the same if a film is given other grays, and if the lungs are put into another patient's film.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog.reader.image.fields.exposed_field import exposed_field

Gray = NDArray[np.uint8]
Histogram = NDArray[np.float64]  # (256,), the share of each gray

GRAYS = 256
BORDER = 0.12  # of the film's height or width
FAR_FROM_EDGE = 30.0  # in widths of the passage: farther away, nothing of the other film is left


@dataclass(frozen=True)
class Ellipse:
    """An upright ellipse, in fractions of the exposed field's width and height."""

    x: float
    y: float
    half_width: float
    half_height: float


# Checked by eye on 50 films of children: both lungs but for their outermost and lowest rims. Of 50 of adults, half from
# each source, 18 show more of them: 17 an outer lower corner or an outer side, one the middle of a turned patient.
LUNGS = (Ellipse(0.285, 0.46, 0.185, 0.37), Ellipse(0.715, 0.46, 0.185, 0.37))


def across_the_field(film: Gray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each column (1, columns) and each row (rows, 1) of the film lies in its exposed field: 0 to 1 from edge to
    edge.
    """
    left, top, right, bottom = exposed_field(film)
    rows, columns = film.shape
    y, x = np.ogrid[0.5 : rows + 0.5, 0.5 : columns + 0.5]
    return (x - left) / (right - left), (y - top) / (bottom - top)


def distance_from_lungs(film: Gray, lungs: tuple[Ellipse, ...] = LUNGS) -> NDArray[np.float32]:
    """For each pixel of the film its distance from the middle of the nearer lung, in that ellipse's half axes: below 1
    inside, 1 on the edge.
    """
    x, y = across_the_field(film)
    squared = [(x - lung.x) ** 2 / lung.half_width**2 + (y - lung.y) ** 2 / lung.half_height**2 for lung in lungs]
    return np.asarray(np.sqrt(np.minimum.reduce(squared)), dtype=np.float32)


def lungs_masked(film: Gray) -> Gray:
    """The film with both lungs' ellipses filled with the mean gray of its exposed field."""
    left, top, right, bottom = exposed_field(film)
    masked = film.copy()
    mean = film[top:bottom, left:right].mean()
    masked[distance_from_lungs(film) <= 1] = round(float(mean))
    return masked


def border_alone(film: Gray) -> Gray:
    """The outer BORDER of the film, with all inside filled with the border's mean gray: the film's would tell how dark
    the lungs are.
    """
    rows, columns = (round(BORDER * side) for side in film.shape)
    is_border = np.ones(film.shape, dtype=np.bool_)
    is_border[rows:-rows, columns:-columns] = False
    alone = film.copy()
    alone[~is_border] = round(float(film[is_border].mean()))
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
    beyond = ((distance_from_lungs(film, lungs) - 1) / edge).clip(-FAR_FROM_EDGE, FAR_FROM_EDGE)
    nearness = 1 / (1 + np.exp(beyond))
    if frame.shape != film.shape:
        frame = np.asarray(Image.fromarray(frame).resize(film.shape[::-1], Image.Resampling.BILINEAR), dtype=np.uint8)
    around = with_grays(frame, histogram(film))
    return np.asarray((nearness * film + (1 - nearness) * around).round().astype(np.uint8))
