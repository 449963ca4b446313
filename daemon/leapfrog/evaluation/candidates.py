"""Thresholds that a hospital may choose from, with what each finds and what it costs.

The way of WHO/TDR's toolkit for the calibration of computer-aided detection (2021): measured on the hospital's own
patients, on at least 100 with the disease and 100 without, with yield and cost at each threshold.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leapfrog.evaluation.measured import Portion
from leapfrog.evaluation.scores import OperatingPoint, operating_point
from leapfrog.exam import Frozen
from leapfrog.packages.local_threshold import FEWEST_OF_EACH

SENSITIVITIES = (0.95, 0.9, 0.85, 0.8, 0.7)
SPECIFICITIES = (0.98, 0.95, 0.9, 0.8, 0.7)
PER = 1000  # patients
FEWEST_DECIMALS, MOST_DECIMALS = 2, 17

Truth = NDArray[np.bool_]
Scores = NDArray[np.float64]


class Yield(Frozen):
    """Of PER patients, `sick` of whom have the finding: how many a threshold has flagged, and how many of the sick it
    misses.
    """

    sick: int
    flagged: int
    missed: int

    @property
    def found(self) -> int:
        """The sick who are flagged."""
        return self.sick - self.missed

    def sentence(self) -> str:
        """The same for a person."""
        cost = f", {self.flagged / self.found:.1f} for each one found" if self.found else ""
        return f"of {PER:,} such patients {self.flagged:,} flagged{cost}; {self.missed} of {self.sick} sick missed"


class Candidate(Frozen):
    """A threshold: what it is chosen for, and what it does to the measured images. `in_use`: it is the one that the box
    applies now.
    """

    aim: str
    threshold: float
    sensitivity: Portion
    specificity: Portion
    of_patients: Yield
    in_use: bool = False


def why_none(positives: int, negatives: int, done: Literal["proposed", "taken over"] = "proposed") -> str:
    """Why no threshold is `done`, as a sentence; "" if there are enough images."""
    if positives >= FEWEST_OF_EACH and negatives >= FEWEST_OF_EACH:
        return ""
    return (
        f"No threshold is {done}: that takes at least {FEWEST_OF_EACH} images with the finding and {FEWEST_OF_EACH}"
        f" without, read by this model. Here there are {positives} and {negatives}."
    )


def candidates(
    positive: Truth, scores: Scores, in_use: float | None, prevalence: float | None
) -> tuple[Candidate, ...]:
    """Thresholds from the lowest to the highest, with the one `in_use`; none without enough images.

    `prevalence` is the share of the sick among the patients to come; None takes that of the measured images.
    """
    if why_none(int(positive.sum()), int((~positive).sum())):
        return ()
    found: dict[float, str] = {}
    for share in SENSITIVITIES:
        found.setdefault(finding_at_least(positive, scores, share), f"finds {100 * share:.0f} % of the sick")
    for share in SPECIFICITIES:
        found.setdefault(
            clearing_at_least(positive, scores, share), f"leaves {100 * share:.0f} % of the healthy unflagged"
        )
    made = [candidate(positive, scores, threshold, aim, prevalence) for threshold, aim in found.items()]
    if in_use is not None:
        now = candidate(positive, scores, in_use, "in use now", prevalence)
        made.append(now.model_copy(update={"in_use": True}))
    return tuple(sorted(made, key=lambda one: one.threshold))


def candidate(positive: Truth, scores: Scores, threshold: float, aim: str, prevalence: float | None) -> Candidate:
    """What `threshold` does to the measured images. Raises ValueError without positives or negatives."""
    point = operating_point(positive, scores >= threshold)
    if point.sensitivity is None or point.specificity is None:
        raise ValueError("images with the finding and images without are needed")
    expected = float(positive.mean()) if prevalence is None else prevalence
    return Candidate(
        aim=aim,
        threshold=threshold,
        sensitivity=point.sensitivity,
        specificity=point.specificity,
        of_patients=of_patients(point, expected),
    )


def of_patients(point: OperatingPoint, prevalence: float) -> Yield:
    """What is to be expected of PER patients of whom the share `prevalence` is sick. Raises ValueError for a point
    without positives or negatives.
    """
    if point.sensitivity is None or point.specificity is None:
        raise ValueError("images with the finding and images without are needed")
    sick = round(PER * prevalence)
    missed = round(sick * (1 - point.sensitivity.value))
    return Yield(sick=sick, missed=missed, flagged=sick - missed + round((PER - sick) * (1 - point.specificity.value)))


def finding_at_least(positive: Truth, scores: Scores, share: float) -> float:
    """The highest threshold, in few digits, that flags at least `share` of the positives."""
    of_positives = np.sort(scores[positive])[::-1]
    wanted = of_positives[int(np.ceil(share * len(of_positives) - 1e-9)) - 1]
    return _between(scores, float(wanted))


def clearing_at_least(positive: Truth, scores: Scores, share: float) -> float:
    """The lowest threshold, in few digits, that flags at most 1 - `share` of the negatives."""
    of_negatives = np.sort(scores[~positive])[::-1]
    allowed = int(np.floor((1 - share) * len(of_negatives) + 1e-9))
    above = scores[scores > of_negatives[allowed]]
    return _between(scores, float(above.min())) if len(above) else 1.0


def _between(scores: Scores, score: float) -> float:
    """A threshold in as few digits as flag what has `score` and nothing below it."""
    below = scores[scores < score]
    lowest = float(below.max()) if len(below) else 0.0
    middle = (lowest + score) / 2
    for decimals in range(FEWEST_DECIMALS, MOST_DECIMALS):
        if lowest < (short := round(middle, decimals)) <= score:
            return short
    return score
