"""Penalized logistic regression by Newton's method, in numpy."""

import numpy as np
from numpy.typing import NDArray

PENALTY = 1.0  # on the squared weights for standardized features; .05 to 8 were compared by cross-validation
NEWTON_STEPS = 30
CONVERGED = 1e-7  # Newton's method has converged if no weight changes by more
LEAST_SPREAD = 1e-3  # keeps a feature that hardly varies from being amplified too much

Floats = NDArray[np.float64]


def linear_head(
    features: NDArray[np.float32], labels: NDArray[np.float32], weights: NDArray[np.float32]
) -> tuple[Floats, Floats]:
    """Fit each finding to the features (films, features): weights (features, findings) and bias (findings,).

    `labels` and `weights`, both (films, findings), say which findings a film has and how much it counts for each. The
    result minimises the mean weighted cross-entropy plus PENALTY times the squared weights, for standardized features.
    """
    mean, spread = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64) + LEAST_SPREAD
    standardized = (features - mean) / spread
    # The penalty keeps the weights in the span of the films. With fewer films than features, solve in that span.
    basis = np.linalg.qr(standardized.T)[0] if len(features) < features.shape[1] else np.eye(features.shape[1])
    design = np.concatenate([standardized @ basis, np.ones((len(features), 1))], axis=1)
    fitted = np.stack(
        [_fit(design, labels[:, k].astype(np.float64), weights[:, k]) for k in range(labels.shape[1])], axis=1
    )
    scaled = basis @ fitted[:-1] / spread[:, np.newaxis]
    return scaled, fitted[-1] - mean @ scaled


def _fit(design: Floats, labels: Floats, weights: NDArray[np.floating]) -> Floats:
    ridge = np.full(design.shape[1], 2 * PENALTY)
    ridge[-1] = 0.0  # the bias is free
    share = weights / len(design)
    parameters = np.zeros(design.shape[1])
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-(design @ parameters)))
        slope = design.T @ (share * (chance - labels)) + ridge * parameters
        curvature = (design * (share * chance * (1 - chance))[:, np.newaxis]).T @ design
        curvature[np.diag_indices_from(curvature)] += ridge + 1e-9  # its bias is open if all films have a finding
        step = np.linalg.solve(curvature, slope)
        parameters -= step
        if np.abs(step).max() < CONVERGED:
            break
    return parameters
