"""Thresholds to choose from, and what each finds and costs."""

import numpy as np

from leapfrog.evaluation.candidates import (
    Yield,
    candidate,
    candidates,
    clearing_at_least,
    finding_at_least,
    why_none,
)

POSITIVE = np.array([False] * 100 + [True] * 100)
# Negatives from .005 to .5, positives from .305 to .8, in steps of .005.
SCORES = np.concatenate([np.arange(1, 101) * 0.005, 0.3 + np.arange(1, 101) * 0.005])


def test_a_threshold_keeps_what_it_is_chosen_for() -> None:
    for share in (0.7, 0.9, 0.95):
        threshold = finding_at_least(POSITIVE, SCORES, share)
        found = (SCORES[POSITIVE] >= threshold).sum()
        assert found == round(100 * share)
        cleared = clearing_at_least(POSITIVE, SCORES, share)
        assert (SCORES[~POSITIVE] < cleared).sum() == round(100 * share)


def test_a_threshold_has_few_digits() -> None:
    assert len(str(finding_at_least(POSITIVE, SCORES, 0.9))) <= len("0.353")


def test_yield_and_cost_are_those_of_the_expected_patients() -> None:
    made = candidate(POSITIVE, SCORES, 0.3525, "", prevalence=0.1)
    assert (made.sensitivity.hits, made.specificity.hits) == (90, 70)
    assert made.of_patients == Yield(sick=100, flagged=90 + 270, missed=10)
    assert (
        made.of_patients.sentence()
        == "of 1,000 such patients 360 flagged, 4.0 for each one found; 10 of 100 sick missed"
    )


def test_fewer_than_a_hundred_of_either_get_no_threshold() -> None:
    fewer = SCORES[1:], POSITIVE[1:]
    assert candidates(fewer[1], fewer[0], 0.5, None) == ()
    assert "99" in why_none(100, 99) and why_none(100, 100) == ""


def test_the_threshold_in_use_is_among_them() -> None:
    made = candidates(POSITIVE, SCORES, 0.42, None)
    assert [one.threshold for one in made if one.in_use] == [0.42]
    assert [one.threshold for one in made] == sorted(one.threshold for one in made)
    assert made[0].of_patients.sick == 500  # as many as in these images
