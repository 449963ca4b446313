"""Measures, on cases that can be worked out by hand."""

import numpy as np
import pytest

from leapfrog.evaluation.scores import (
    Resamples,
    auroc,
    bounds,
    brier,
    calibration_bins,
    calibration_error,
    operating_point,
    portion,
    resample,
    roc,
)


def test_auroc_is_the_share_of_pairs_in_order_with_ties_half() -> None:
    positive = np.array([True, True, False, False])
    assert auroc(positive, np.array([0.9, 0.4, 0.4, 0.1])) == pytest.approx((1 + 1 + 0.5 + 1) / 4)


def test_auroc_of_one_kind_only_is_not_a_number() -> None:
    assert np.isnan(auroc(np.array([True, True]), np.array([0.1, 0.2])))


def test_auroc_of_a_draw_is_that_of_the_records_repeated() -> None:
    random = np.random.default_rng(0)
    positive, scores = random.random(40) < 0.4, random.integers(0, 8, 40) / 8
    counts = random.integers(0, 3, (5, 40)).astype(np.float32)
    drawn = Resamples(counts).auroc(positive, scores)
    for row, value in zip(counts.astype(int), drawn, strict=True):
        assert value == pytest.approx(auroc(np.repeat(positive, row), np.repeat(scores, row)))


def test_a_matched_auroc_counts_the_pairs_within_groups_and_no_others() -> None:
    random = np.random.default_rng(4)
    positive, scores = random.random(60) < 0.4, random.integers(0, 9, 60) / 9
    of_group = random.integers(0, 3, 60)
    groups = [of_group == 0, of_group == 1]  # the films of the third are in no pair
    won = [
        1.0 if scores[one] > scores[other] else 0.5 if scores[one] == scores[other] else 0.0
        for one in np.flatnonzero(positive)
        for other in np.flatnonzero(~positive)
        if of_group[one] == of_group[other] < 2
    ]
    matched = resample([str(number) for number in range(60)]).matched_auroc(positive, scores, groups)
    assert matched[0] == pytest.approx(np.mean(won))
    assert matched[1:].std() > 0


def test_a_score_that_only_tells_the_group_is_worth_nothing_when_matched() -> None:
    """Sick films are mostly of one view: whoever tells the view alone looks good, until views are matched."""
    is_ap = np.repeat([True, False], 50)
    positive = np.concatenate([np.arange(50) < 45, np.arange(50) < 5])
    scores = is_ap.astype(np.float64)
    draws = resample([str(number) for number in range(100)])
    assert draws.auroc(positive, scores)[0] == pytest.approx(0.9)
    assert (draws.matched_auroc(positive, scores, [is_ap, ~is_ap])[:20] == 0.5).all()


def test_a_matched_auroc_of_a_draw_is_that_of_the_records_repeated() -> None:
    random = np.random.default_rng(2)
    positive, scores, is_ap = random.random(40) < 0.5, random.random(40), random.random(40) < 0.5
    counts = random.integers(0, 3, (4, 40))
    drawn = Resamples(counts.astype(np.float32)).matched_auroc(positive, scores, [is_ap, ~is_ap])
    for row, value in zip(counts, drawn, strict=True):
        truth, repeated, view = np.repeat(positive, row), np.repeat(scores, row), np.repeat(is_ap, row)
        pairs = np.array([(truth & of).sum() * (~truth & of).sum() for of in (view, ~view)])
        of_views = [auroc(truth[of], repeated[of]) for of in (view, ~view)]
        assert value == pytest.approx((pairs * of_views).sum() / pairs.sum())


def test_without_a_pair_of_one_group_a_matched_auroc_is_not_a_number() -> None:
    positive = np.array([True, False])
    draws = resample(["a", "b"])
    assert np.isnan(draws.matched_auroc(positive, np.array([0.9, 0.1]), [positive, ~positive])).all()
    assert bounds(draws.matched_auroc(positive, np.array([0.9, 0.1]), [])) is None


def test_a_roc_has_the_area_of_the_auroc_and_ends_at_everything() -> None:
    random = np.random.default_rng(1)
    positive, scores = random.random(200) < 0.3, random.integers(0, 20, 200) / 20
    alarms, found = roc(positive, scores)
    assert (alarms[0], found[0], alarms[-1], found[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(found, alarms) == pytest.approx(auroc(positive, scores))


def test_an_operating_point_is_shares_of_positives_and_negatives() -> None:
    point = operating_point(np.array([True, True, False, False, False]), np.array([True, False, True, False, False]))
    assert point.sensitivity is not None and point.specificity is not None
    assert (point.sensitivity.hits, point.sensitivity.of, point.sensitivity.value) == (1, 2, 0.5)
    assert point.specificity.value == pytest.approx(2 / 3)


def test_a_share_of_everything_is_not_certain() -> None:
    everything, nothing = portion(np.full(12, True)), portion(np.full(12, False))
    assert everything is not None and nothing is not None
    assert everything.high == 1.0
    assert everything.low == pytest.approx(12 / (12 + 1.959964**2))  # Wilson's interval, where all are hits
    assert nothing.high == pytest.approx(1 - everything.low)
    assert portion(np.full(0, True)) is None


def test_brier_is_the_mean_squared_distance_from_the_truth() -> None:
    assert brier(np.array([True, False]), np.array([0.7, 0.1])) == pytest.approx((0.09 + 0.01) / 2)


def test_calibration_is_perfect_where_each_group_is_right_as_often_as_it_says() -> None:
    scores = np.repeat(np.arange(10) / 10, 100)
    positive = np.concatenate([np.arange(100) < 10 * step for step in range(10)])
    assert calibration_error(positive, scores) == pytest.approx(0.0)
    assert [one.positives.hits for one in calibration_bins(positive, scores)] == [10 * step for step in range(10)]


def test_scores_that_are_all_too_high_are_off_by_that_much() -> None:
    positive = np.arange(100) % 2 == 0
    assert calibration_error(positive, np.full(100, 0.8)) == pytest.approx(0.3)


def test_the_interval_holds_the_value_and_is_wider_when_records_share_a_patient() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=20), 10)
    alone = bounds(resample([str(k) for k in range(200)]).mean(values))
    shared = bounds(resample([str(k // 10) for k in range(200)]).mean(values))
    assert alone is not None and shared is not None
    assert alone.value == pytest.approx(values.mean(), abs=1e-6)
    assert alone.low < alone.value < alone.high
    assert shared.high - shared.low > 2 * (alone.high - alone.low)


def test_a_mean_over_some_records_leaves_the_others_and_the_unknown_out() -> None:
    draws = resample(["a", "b", "c"]).among(np.array([True, True, False]))
    assert draws.mean(np.array([1.0, np.nan, 5.0]))[0] == 1.0


def test_every_film_of_a_patient_is_drawn_as_often_as_the_other() -> None:
    counts = resample(["a", "b", "a", "c"]).counts
    assert (counts[:, 0] == counts[:, 2]).all()
    assert (counts[0] == 1).all()
    assert counts[1:].std() > 0
