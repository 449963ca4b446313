"""Calibrates a model's scores, from cross-validated scores only."""

import numpy as np
from numpy.typing import NDArray

from leapfrog.packages.finding_rules import LARGEST_OFFSET, LARGEST_SLOPE, Calibration
from leapfrog.reader.assess.classification import SCORE_MARGIN, calibrated_score

NEWTON_STEPS = 50
SMALLEST_STEP = 1e-9  # Newton's method has converged
SMALLEST_SLOPE = 0.01
RIDGE = 1e-6  # keeps Newton's matrix invertible when scores separate the labels


def platt(positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> Calibration:
    """The a and b of 1 / (1 + exp(-(a * logit(score) + b))) that make the scores likeliest (Platt 1999).

    Targets are Platt's (n + 1) / (n + 2) and 1 / (n + 2), which keeps a small sample from becoming certain. Scores that
    are higher for negatives get the smallest slope there is: they say nothing, and are not turned round.
    """
    clipped = np.clip(scores.astype(np.float64), SCORE_MARGIN, 1 - SCORE_MARGIN)
    design = np.stack([np.log(clipped / (1 - clipped)), np.ones(len(clipped))], axis=1)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    targets = np.where(positive, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    parameters = np.array([1.0, 0.0])
    loss = _cross_entropy(design @ parameters, targets)
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-(design @ parameters)))
        gradient = design.T @ (chance - targets)
        curvature = (design * (chance * (1 - chance))[:, np.newaxis]).T @ design + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while (next_loss := _cross_entropy(design @ (parameters - step), targets)) > loss:
            step = step / 2
            if np.abs(step).max() < SMALLEST_STEP:
                return _rounded(parameters)
        parameters, loss = parameters - step, next_loss
    return _rounded(parameters)


def _cross_entropy(logits: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0, logits) - targets * logits).sum())


def _rounded(parameters: NDArray[np.float64]) -> Calibration:
    slope = min(max(round(float(parameters[0]), 4), SMALLEST_SLOPE), LARGEST_SLOPE)
    offset = min(max(round(float(parameters[1]), 4), -LARGEST_OFFSET), LARGEST_OFFSET)
    return Calibration(a=slope, b=offset)


def calibrated(scores: NDArray[np.floating], calibration: Calibration) -> NDArray[np.float64]:
    """What the kiosk shows for these scores."""
    return np.array([calibrated_score(float(score), calibration) for score in scores])
