"""Which findings chest-findings covers: those told from other abnormal films, and not from normal ones only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leapfrog.evaluation.scores import bounds, resample
from leapfrog_training.chest.decisions.rules import FEWEST_POSITIVES
from leapfrog_training.chest.films import VIEWS, AdultFilm, abnormal, of_view, truth

CHANCE = 0.5  # AUROC


@dataclass(frozen=True)
class Decided:
    """The findings that ship, and for each finding its AUROC among abnormal films of the same view with its interval;
    not for one that all abnormal films have, which stands for "abnormal", nor for one that is rare in every view.
    """

    shipped: tuple[str, ...]
    within_abnormal: dict[str, tuple[float, float, float]]


def decide(films: Sequence[AdultFilm], findings: Sequence[str], scores: NDArray[np.floating]) -> Decided:
    """Decide by scores (films, findings) of networks that had not seen the films: a finding ships if the interval by
    patients lies above chance, or if all abnormal films have it. A view with few films of a finding does not count: the
    finding is not looked for there.
    """
    sick = abnormal(films)
    draws = resample([film.patient for film in films]).among(sick)
    labels, views = truth(films, findings), [of_view(films, view) for view in VIEWS]
    shipped, within_abnormal = [], {}
    for k, finding in enumerate(findings):
        enough = [view for view in views if (labels[:, k] & view).sum() >= FEWEST_POSITIVES]
        within = bounds(draws.matched_auroc(labels[:, k], scores[:, k].astype(np.float64), enough))
        if within is not None:
            within_abnormal[finding] = (round(within.value, 4), round(within.low, 4), round(within.high, 4))
        if (labels[:, k] == sick).all() or (within is not None and within.low > CHANCE):
            shipped.append(finding)
    return Decided(tuple(shipped), within_abnormal)
