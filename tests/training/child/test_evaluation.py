"""Where chest-child flags, and what it must show before anything of it is urgent."""

import numpy as np
import pytest

from leapfrog.evaluation.measured import Bounds, Portion
from leapfrog_training.child.evaluation import ChildSeed, ShownFilms, threshold_for
from leapfrog_training.child.reading import BORDER_ALONE, LUNGS_MASKED, OTHER_FRAME, OTHER_GRAYS


def shown(auroc: float, false_alarms: float = 0.05) -> ShownFilms:
    def portion(value: float) -> Portion:
        return Portion(hits=round(value * 100), of=100, value=value, low=value, high=value)

    return ShownFilms(
        auroc=Bounds(value=auroc, low=auroc, high=auroc),
        sensitivity=portion(0.9),
        false_alarms=portion(false_alarms),
    )


GOOD = {
    LUNGS_MASKED: shown(0.6),
    OTHER_GRAYS: shown(0.97),
    OTHER_FRAME: shown(0.97),
    BORDER_ALONE: shown(0.8),  # has no limit of its own: what a border tells, a frame tells too
}


def seed_with(**changed: ShownFilms) -> ChildSeed:
    named = {"masked": LUNGS_MASKED, "grays": OTHER_GRAYS, "frame": OTHER_FRAME}
    controls = {**GOOD, **{named[name]: value for name, value in changed.items()}}
    return ChildSeed.model_construct(controls=controls)


def test_nine_in_ten_are_found_with_as_few_false_alarms_as_that_allows() -> None:
    positive = np.arange(40) >= 20
    scores = np.concatenate([np.linspace(0, 0.6, 20), np.linspace(0.4, 1, 20)])
    threshold = threshold_for(positive, scores)
    assert (scores[positive] >= threshold).sum() == 18
    higher = scores[scores > threshold].min() + 1e-6
    assert (scores[positive] >= higher).mean() < 0.9


def test_equal_scores_leave_the_threshold_in_the_middle() -> None:
    assert threshold_for(np.array([True, False]), np.array([0.3, 0.3])) == 0.5


def test_a_network_that_keeps_every_limit_was_shown_to_look_at_the_lungs() -> None:
    assert seed_with().looks_at_lungs


@pytest.mark.parametrize(
    "changed",
    [
        {"masked": shown(0.71)},
        {"masked": shown(0.29)},  # telling films apart the wrong way round is telling them apart
        {"grays": shown(0.95)},
        {"grays": shown(0.97, false_alarms=0.11)},
        {"frame": shown(0.95)},
        {"frame": shown(0.97, false_alarms=0.11)},
    ],
)
def test_one_limit_that_is_not_kept_is_enough(changed: dict[str, ShownFilms]) -> None:
    assert not seed_with(**changed).looks_at_lungs
