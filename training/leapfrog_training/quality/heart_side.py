"""Fits what tells a film from its mirror image: the heart's side, the aorta's arch, the stomach's bubble.

The measure is odd: the mirror image of a film has exactly the opposite value. So it cannot learn anything but sides,
and every film that it is fitted to counts twice.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

PENALTY = 60.0  # on the weights' squares, for standardised differences
LEAST_SPREAD = 0.05
DIRECTIONS = 400  # those in which films differ most from their mirror images
STEPS = 20  # of Newton's method, which needs fewer


def fit_heart_side(differences: Floats) -> Floats:
    """Weights (N,) for the differences (B, N) between films that are the right way round and their mirror images: the
    weighted sum is the log odds of being the right way round (logistic regression without a constant).
    """
    scale = differences.std(axis=0) + LEAST_SPREAD
    standardised = differences / scale
    _, vectors = np.linalg.eigh((standardised.T @ standardised).astype(np.float64))
    directions = vectors[:, ::-1][:, :DIRECTIONS].T
    left = standardised @ directions.T
    weights = np.zeros(len(directions))
    for _ in range(STEPS):
        wrong = 1 / (1 + np.exp(np.clip(left @ weights, -50, 50)))
        curvature = (left * (wrong * (1 - wrong))[:, None]).T @ left + PENALTY * np.eye(len(weights))
        weights += np.linalg.solve(curvature, left.T @ wrong - PENALTY * weights)
    return np.asarray(directions.T @ weights / scale, dtype=np.float32)
