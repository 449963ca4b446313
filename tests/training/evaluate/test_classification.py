"""What a kiosk's scores are worth against labels."""

import numpy as np
import pytest

from leapfrog_training.evaluate.classification import Readings, classifier_scores
from leapfrog_training.evaluate.scores import resample

NAMES = ("Pneumonia", "Edema")
LABELS = np.array([[True, True], [True, False], [True, True], [True, False], [False, False], [False, False]])
ABNORMAL = np.array([True, True, True, True, False, False])
DRAWS = resample(["1", "2", "3", "4", "5", "6"])


def test_among_abnormal_films_a_score_that_only_tells_normal_from_abnormal_is_worth_nothing() -> None:
    scores = np.where(ABNORMAL, 0.9, 0.1)[:, np.newaxis] * np.ones(2)
    measured = classifier_scores(NAMES, LABELS, ABNORMAL, Readings(scores, scores > 0.5), DRAWS)
    everywhere, sometimes = (finding.within_abnormal for finding in measured.findings)
    assert everywhere is None
    assert sometimes is not None and sometimes.value == pytest.approx(0.5)
    assert measured.mean_within_abnormal is not None and measured.mean_within_abnormal.value == pytest.approx(0.5)
    assert measured.findings[1].auroc.value == pytest.approx((2 * 2 * 1 + 2 * 2 * 0.5) / 8)
    assert measured.mean_auroc.value == pytest.approx((1 + 0.75) / 2)


def test_sensitivity_and_specificity_are_those_of_what_was_flagged() -> None:
    scores = np.full(LABELS.shape, 0.5)
    flagged = np.array([[True, True], [False, True], [True, False], [True, False], [True, False], [False, False]])
    first, second = classifier_scores(NAMES, LABELS, ABNORMAL, Readings(scores, flagged), DRAWS).findings
    assert (first.sensitivity.hits, first.sensitivity.of) == (3, 4)
    assert (first.specificity.hits, first.specificity.of) == (1, 2)
    assert (second.sensitivity.hits, second.specificity.hits) == (1, 3)


def test_a_score_that_never_looks_reaches_the_brier_of_the_share() -> None:
    share = LABELS.mean(axis=0)
    measured = classifier_scores(NAMES, LABELS, ABNORMAL, Readings(np.tile(share, (6, 1)), LABELS), DRAWS)
    for finding in measured.findings:
        assert finding.brier == pytest.approx(finding.brier_of_share)


def test_a_finding_that_every_film_has_cannot_be_measured() -> None:
    labels = np.ones((6, 2), bool)
    with pytest.raises(ValueError, match="Pneumonia cannot be measured"):
        classifier_scores(NAMES, labels, ABNORMAL, Readings(np.zeros((6, 2)), labels), DRAWS)
