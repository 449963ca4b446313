"""The ellipse that fits an outline best, and its circumference."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST_POINTS = 6  # five determine an ellipse; one more shows whether it fits
STRAIGHT = 1e-6  # width to length; for points so nearly in line, rounding alone decides whether an ellipse fits

Coordinates = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Ellipse:
    """An ellipse, in the units of the points that it was fitted to; `angle` is that of the long axis, in radians."""

    centre_x: float
    centre_y: float
    semi_major: float
    semi_minor: float
    angle: float

    @property
    def circumference(self) -> float:
        """Ramanujan's first approximation (1914), off by less than 1 in 10,000 for any fetal head."""
        a, b = self.semi_major, self.semi_minor
        return math.pi * (3 * (a + b) - math.sqrt((3 * a + b) * (a + 3 * b)))

    def contains(self, x: Coordinates, y: Coordinates) -> NDArray[np.bool_]:
        """Which of the points (x, y) are inside the ellipse."""
        along = (x - self.centre_x) * math.cos(self.angle) + (y - self.centre_y) * math.sin(self.angle)
        across = (y - self.centre_y) * math.cos(self.angle) - (x - self.centre_x) * math.sin(self.angle)
        inside: NDArray[np.bool_] = (along / self.semi_major) ** 2 + (across / self.semi_minor) ** 2 <= 1
        return inside

    def outline(self, count: int) -> NDArray[np.float64]:
        """`count` points (x, y) along the ellipse, evenly spread in its parameter."""
        turn = np.arange(count) * (2 * math.pi / count)
        along, across = self.semi_major * np.cos(turn), self.semi_minor * np.sin(turn)
        x = self.centre_x + along * math.cos(self.angle) - across * math.sin(self.angle)
        y = self.centre_y + along * math.sin(self.angle) + across * math.cos(self.angle)
        return np.stack([x, y], axis=1)


def fit_ellipse(points: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> Ellipse | None:
    """The ellipse with the least algebraic distance to `points` (n, 2), or None if they do not lie on one.

    Squared distances are weighted by `weights` (n), all above 0, or equally if there are none. Direct least squares
    (Fitzgibbon 1999) in the numerically stable form of Halir and Flusser (WSCG 1998).
    """
    if len(points) < FEWEST_POINTS:
        return None
    middle = points.mean(axis=0)
    length, width = np.linalg.svd(points - middle, compute_uv=False)
    if width <= STRAIGHT * length:
        return None
    spread = float(np.abs(points - middle).max())
    x, y = ((points - middle) / spread).T
    quadratic = np.stack([x * x, x * y, y * y], axis=1)
    linear = np.stack([x, y, np.ones_like(x)], axis=1)
    if weights is not None:
        roots = np.sqrt(weights / weights.max())[:, np.newaxis]
        quadratic, linear = quadratic * roots, linear * roots
    try:
        reduction = -np.linalg.solve(linear.T @ linear, linear.T @ quadratic)
    except np.linalg.LinAlgError:
        return None
    scatter = quadratic.T @ quadratic + quadratic.T @ linear @ reduction
    _, vectors = np.linalg.eig(np.stack([scatter[2] / 2, -scatter[1], scatter[0] / 2]))
    candidates = np.real(vectors).T
    ellipses = candidates[4 * candidates[:, 0] * candidates[:, 2] - candidates[:, 1] ** 2 > 0]
    if len(ellipses) == 0:
        return None
    unit = _from_conic(np.concatenate([ellipses[0], reduction @ ellipses[0]]))
    if unit is None:
        return None
    return Ellipse(
        centre_x=unit.centre_x * spread + float(middle[0]),
        centre_y=unit.centre_y * spread + float(middle[1]),
        semi_major=unit.semi_major * spread,
        semi_minor=unit.semi_minor * spread,
        angle=unit.angle,
    )


def _from_conic(conic: NDArray[np.float64]) -> Ellipse | None:
    """The ellipse of A x^2 + B x y + C y^2 + D x + E y + F = 0."""
    a, b, c, d, e, f = (float(value) for value in conic)
    discriminant = b * b - 4 * a * c
    centre_x = (2 * c * d - b * e) / discriminant
    centre_y = (2 * a * e - b * d) / discriminant
    level = f + (d * centre_x + e * centre_y) / 2
    if level == 0:
        return None
    inverse_squares, axes = np.linalg.eigh(np.array([[a, b / 2], [b / 2, c]]) / -level)
    if inverse_squares[0] <= 0:
        return None
    major, minor = (1 / np.sqrt(inverse_squares)).tolist()
    return Ellipse(centre_x, centre_y, major, minor, math.atan2(float(axes[1, 0]), float(axes[0, 0])))
