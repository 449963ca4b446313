"""What a kiosk's scores are worth against labels."""

import numpy as np
import pytest

from leapfrog.evaluation.scores import resample
from leapfrog.exam import Code, Finding, FrontalView
from leapfrog.reader.assess.classification import Classification
from leapfrog_training.evaluate.classification import Readings, classifier_scores

NAMES = ("Pneumonia", "Edema")
LABELS = np.array([[True, True], [True, False], [True, True], [True, False], [False, False], [False, False]])
ABNORMAL = np.array([True, True, True, True, False, False])
DRAWS = resample(["1", "2", "3", "4", "5", "6"])


def test_among_abnormal_films_a_score_that_only_tells_normal_from_abnormal_is_worth_nothing() -> None:
    scores = np.where(ABNORMAL, 0.9, 0.1)[:, np.newaxis] * np.ones(2)
    measured = classifier_scores(NAMES, LABELS, ABNORMAL, Readings(scores, scores > 0.5, scores > 1), DRAWS)
    everywhere, sometimes = (finding.within_abnormal for finding in measured.findings)
    assert everywhere is None
    assert sometimes is not None and sometimes.value == pytest.approx(0.5)
    assert measured.mean_within_abnormal is not None and measured.mean_within_abnormal.value == pytest.approx(0.5)
    assert measured.findings[1].auroc.value == pytest.approx((2 * 2 * 1 + 2 * 2 * 0.5) / 8)
    assert measured.mean_auroc.value == pytest.approx((1 + 0.75) / 2)


def test_sensitivity_and_specificity_are_those_of_what_was_flagged() -> None:
    scores = np.full(LABELS.shape, 0.5)
    flagged = np.array([[True, True], [False, True], [True, False], [True, False], [True, False], [False, False]])
    first, second = classifier_scores(NAMES, LABELS, ABNORMAL, Readings(scores, flagged, ~flagged), DRAWS).findings
    assert (first.sensitivity.hits, first.sensitivity.of) == (3, 4)
    assert (first.specificity.hits, first.specificity.of) == (1, 2)
    assert (second.sensitivity.hits, second.specificity.hits) == (1, 3)


def test_a_score_that_never_looks_reaches_the_brier_of_the_share() -> None:
    share = LABELS.mean(axis=0)
    measured = classifier_scores(NAMES, LABELS, ABNORMAL, Readings(np.tile(share, (6, 1)), LABELS, LABELS), DRAWS)
    for finding in measured.findings:
        assert finding.brier == pytest.approx(finding.brier_of_share)


def test_a_finding_that_every_film_has_cannot_be_measured() -> None:
    labels = np.ones((6, 2), bool)
    with pytest.raises(ValueError, match="Pneumonia cannot be measured"):
        classifier_scores(NAMES, labels, ABNORMAL, Readings(np.zeros((6, 2)), labels, labels), DRAWS)


def classified(view: FrontalView | None, *scores: float) -> Classification:
    """What a kiosk says of one film: flagged from .5 on, urgent from .8."""
    code = Code(value="1", scheme="99TEST", meaning="Test")
    findings = [
        Finding(name=name, code=code, score=score, threshold=0.5, flagged=score >= 0.5, urgent=score >= 0.8)
        for name, score in zip(NAMES, scores, strict=True)
    ]
    return Classification(tuple(findings), {}, view)


def test_readings_keep_what_the_kiosk_flagged_what_was_urgent_and_the_view_that_it_took() -> None:
    read = Readings.of(NAMES, [classified("AP", 0.9, 0.1), classified("PA", 0.2, 0.6), classified("PA", 0.2, 0.4)])
    assert read.scores[:, 1].tolist() == [0.1, 0.6, 0.4]
    assert read.any_flag.tolist() == [True, True, False]
    assert read.any_urgent.tolist() == [True, False, False]
    assert read.is_ap is not None and read.is_ap.tolist() == [True, False, False]
    both = read.followed_by(Readings.of(NAMES, [classified("AP", 0.1, 0.9)]))
    assert both.scores.shape == (4, 2) and both.any_urgent.tolist() == [True, False, False, True]
    assert both.is_ap is not None and both.is_ap.tolist() == [True, False, False, True]


def test_a_package_that_tells_no_views_gives_readings_without_views() -> None:
    read = Readings.of(NAMES, [classified(None, 0.9, 0.1)])
    assert read.is_ap is None
    assert read.followed_by(Readings.of(NAMES, [classified("AP", 0.1, 0.9)])).is_ap is None


def test_a_finding_that_is_not_looked_for_in_a_view_has_no_score_and_no_flag_there() -> None:
    both, without = classified("AP", 0.9, 0.9), classified("PA", 0.9, 0.9)
    read = Readings.of(NAMES, [both, Classification(without.findings[:1], {}, "PA")])
    assert read.scores.tolist() == [[0.9, 0.9], [0.9, 0.0]]
    assert read.flagged.tolist() == read.urgent.tolist() == [[True, True], [True, False]]
