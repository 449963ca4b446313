"""The bar of a score tells at a glance on which side of each threshold it is."""

import pytest

from leapfrog.wording.gauge import CLEARANCE, gauge_of
from support.readings import finding

SCORES = [0.0, 1e-9, 0.05, 0.0553, 0.0554, 0.3, 0.4503, 0.4589, 0.459, 0.95, 0.9999, 1.0]


@pytest.mark.parametrize("threshold", [0.0554, 0.4503, 0.95])
def test_the_threshold_is_always_marked_in_the_middle(threshold: float) -> None:
    gauge = gauge_of(finding("Nodule", 0.2, threshold))
    assert (gauge.threshold, gauge.urgent) == (0.5, None)


@pytest.mark.parametrize("score", SCORES)
def test_a_bar_ends_on_the_side_of_each_threshold_on_which_the_score_is(score: float) -> None:
    gauge = gauge_of(finding("Edema", score, 0.4503, urgent_threshold=0.459))
    assert gauge.urgent == 0.75
    for limit, mark in ((0.4503, gauge.threshold), (0.459, gauge.urgent)):
        assert (gauge.score >= mark + CLEARANCE) if score >= limit else (gauge.score <= mark - CLEARANCE)


def test_a_higher_score_has_a_longer_bar() -> None:
    lengths = [gauge_of(finding("Edema", score, 0.4503, urgent_threshold=0.459)).score for score in SCORES]
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_a_threshold_at_the_end_of_the_scale_divides_by_nothing(limit: float) -> None:
    assert 0.0 <= gauge_of(finding("Nodule", 1.0, limit, urgent_threshold=limit)).score <= 1.0


def test_an_urgent_threshold_that_is_the_threshold_is_marked_once() -> None:
    assert gauge_of(finding("Nodule", 0.6, 0.5, urgent_threshold=0.5)).urgent is None
