"""What is measured of films that a network has not seen, over pairs of one view."""

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog.evaluation import scores as scores_module
from leapfrog.evaluation.measured import Portion
from leapfrog.evaluation.scores import auroc
from leapfrog_training.chest.evaluation.measures import MatchedScores, Means, Pairs, matched_scores, shares
from leapfrog_training.chest.films import VIEWS, Source, abnormal, normal_of, of_view, truth
from leapfrog_training.evaluate.classification import Readings
from support.adults import films

MINED, RSNA = Source.CHESTXRAY14, Source.RSNA_NORMAL
FINDINGS = ("Pneumonia", "Edema", "Effusion")
LISTED = films(
    (40, ("Pneumonia",), "PA", MINED), (30, ("Pneumonia", "Effusion"), "PA", MINED),
    (19, ("Pneumonia", "Edema"), "PA", MINED),
    (50, ("Pneumonia", "Edema"), "AP", MINED), (10, ("Pneumonia", "Effusion"), "AP", MINED),
    (40, (), "PA", MINED), (30, (), "AP", MINED), (60, (), "PA", RSNA), (30, (), "AP", RSNA),
)  # fmt: skip
LABELS = truth(LISTED, FINDINGS)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores_module, "RESAMPLES", 30)


def random_scores() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(0, 1, LABELS.shape) + 0.7 * LABELS


def measured(scores: NDArray[np.float64]) -> tuple[tuple[MatchedScores, ...], Means]:
    return matched_scores(Pairs.of(LISTED, FINDINGS), scores, [VIEWS] * 3)


def by_hand(
    positive: NDArray[np.bool_], negative: NDArray[np.bool_], scores: NDArray[np.float64], *views: str
) -> float:
    """Each view alone, by how many pairs it has."""
    values, pairs = [], []
    for view in views:
        chosen = (positive | negative) & of_view(LISTED, view)
        values.append(auroc(positive[chosen], scores[chosen]))
        pairs.append((positive & chosen).sum() * (negative & chosen).sum())
    return float(np.average(values, weights=pairs))


def test_a_finding_is_compared_with_films_of_the_same_view_only() -> None:
    scores = random_scores()
    pneumonia, edema, effusion = measured(scores)[0]
    rsna, mined, sick = normal_of(LISTED, RSNA), normal_of(LISTED, MINED), abnormal(LISTED)
    assert pneumonia.against_rsna_normal is not None and pneumonia.against_no_finding is not None
    expected = by_hand(LABELS[:, 0], rsna, scores[:, 0], "PA", "AP")
    assert pneumonia.against_rsna_normal.value == pytest.approx(expected)
    assert pneumonia.against_no_finding.value == pytest.approx(by_hand(LABELS[:, 0], mined, scores[:, 0], "PA", "AP"))
    assert pneumonia.within_abnormal is None  # every abnormal film has it
    assert pneumonia.in_pa is not None
    assert pneumonia.in_pa.value == pytest.approx(by_hand(LABELS[:, 0], rsna, scores[:, 0], "PA"))
    assert effusion.within_abnormal is not None
    assert effusion.within_abnormal.value == pytest.approx(
        by_hand(LABELS[:, 2], sick & ~LABELS[:, 2], scores[:, 2], "PA")
    )
    assert edema.in_pa is None


def test_a_view_with_fewer_than_twenty_films_of_a_finding_counts_nowhere() -> None:
    scores = random_scores()
    _, edema, effusion = measured(scores)[0]
    assert (edema.positives, effusion.positives) == ({"PA": 19, "AP": 50}, {"PA": 30, "AP": 10})
    other_view = scores.copy()
    other_view[of_view(LISTED, "PA"), 1] = 9.0
    other_view[of_view(LISTED, "AP"), 2] = 9.0
    assert measured(other_view)[0][1:] == (edema, effusion)


def test_a_view_in_which_a_finding_is_not_looked_for_counts_nowhere() -> None:
    """The box gives no score there."""
    scores = random_scores()
    scores[of_view(LISTED, "PA"), 0] = 0
    (pneumonia, *_), _ = matched_scores(Pairs.of(LISTED, FINDINGS), scores, [("AP",), VIEWS, VIEWS])
    assert pneumonia.against_rsna_normal is not None
    expected = by_hand(LABELS[:, 0], normal_of(LISTED, RSNA), scores[:, 0], "AP")
    assert pneumonia.against_rsna_normal.value == pytest.approx(expected)
    assert pneumonia.in_pa is None


def test_a_score_that_only_tells_the_view_is_worth_nothing() -> None:
    scores = np.repeat(of_view(LISTED, "AP")[:, np.newaxis], 3, axis=1).astype(np.float64)
    findings, means = measured(scores)
    assert auroc(LABELS[:, 1], scores[:, 1]) > 0.7
    for value in (findings[1].against_rsna_normal, means.against_rsna_normal, means.within_abnormal):
        assert value is not None and (value.value, value.low, value.high) == (0.5, 0.5, 0.5)


def test_a_finding_that_is_rare_in_both_views_gets_no_figure_and_is_in_no_mean() -> None:
    few = [film for film in LISTED if not ("Effusion" in film.labels and int(film.path.stem) % 2)]
    chosen = np.array([film in few for film in LISTED])
    assert truth(few, FINDINGS)[:, 2].sum() == 20
    findings, means = matched_scores(Pairs.of(few, FINDINGS), random_scores()[chosen], [VIEWS] * 3)
    rare = findings[2]
    assert rare.against_rsna_normal is rare.in_pa is rare.against_no_finding is rare.within_abnormal is None
    known = [one.against_rsna_normal.value for one in findings if one.against_rsna_normal is not None]
    assert len(known) == 2
    assert means.against_rsna_normal is not None and means.against_rsna_normal.value == pytest.approx(np.mean(known))


def test_the_means_are_over_findings_and_once_without_edema() -> None:
    findings, means = measured(random_scores())
    within = {one.label: one.within_abnormal.value for one in findings if one.within_abnormal is not None}
    assert set(within) == {"Edema", "Effusion"}
    assert means.within_abnormal is not None and means.within_abnormal_without_edema is not None
    assert means.within_abnormal.value == pytest.approx(np.mean(list(within.values())))
    assert means.within_abnormal_without_edema.value == pytest.approx(within["Effusion"])


def test_shares_are_counted_for_normal_films_by_source_and_view_and_for_each_finding() -> None:
    flagged = np.zeros(LABELS.shape, np.bool_)
    flagged[:, 2] = of_view(LISTED, "AP")
    urgent = np.zeros_like(flagged)
    urgent[:, 0] = normal_of(LISTED, RSNA) & of_view(LISTED, "PA")
    read = Readings(np.zeros(LABELS.shape), flagged, urgent, of_view(LISTED, "AP"))
    counted = shares(Pairs.of(LISTED, FINDINGS), read)

    def hits(kind: dict[str, Portion], name: str) -> tuple[int, int]:
        return kind[name].hits, kind[name].of

    assert hits(counted.urgent, "RSNA-normal normal") == (60, 90)
    assert hits(counted.urgent, "RSNA-normal normal, PA") == (60, 60)
    assert hits(counted.urgent, "ChestX-ray14 normal, PA") == (0, 40)
    assert hits(counted.flagged, "RSNA-normal normal, AP") == (30, 30)
    assert hits(counted.flagged, "Edema, PA") == (0, 19)
    assert hits(counted.flagged, "Edema") == (50, 69)


def test_a_group_without_films_has_no_share() -> None:
    of_one_view = [film for film in LISTED if film.view == "AP"]
    nothing = np.zeros((len(of_one_view), 3), np.bool_)
    counted = shares(Pairs.of(of_one_view, FINDINGS), Readings(nothing.astype(float), nothing, nothing))
    assert "Edema, AP" in counted.urgent
    assert not any(name.endswith("PA") for name in counted.urgent)
