"""Which findings chest-findings covers."""

import numpy as np

from leapfrog_training.chest.decisions.shipped import decide
from leapfrog_training.chest.films import AdultFilm, Source, abnormal, of_view, truth
from support.adults import films

FINDINGS = ("Pneumonia", "Edema", "Effusion")
MINED = Source.CHESTXRAY14
WITH_EDEMA, WITH_EFFUSION = ("Pneumonia", "Edema"), ("Pneumonia", "Effusion")
LISTED = films(
    (60, WITH_EDEMA, "AP", MINED), (30, WITH_EDEMA, "PA", MINED),
    (60, WITH_EFFUSION, "PA", MINED), (30, WITH_EFFUSION, "AP", MINED),
    (80, (), "PA", MINED), (80, (), "AP", Source.RSNA_NORMAL),
)  # fmt: skip


def scores_of(edema: np.ndarray) -> np.ndarray:
    """Pneumonia is told from normal films, effusion from everything, and edema as given."""
    labels = truth(LISTED, FINDINGS)
    return np.stack([labels[:, 0], edema, labels[:, 2]], axis=1).astype(np.float32)


def told(listed: list[AdultFilm], edema: np.ndarray) -> tuple[tuple[str, ...], tuple[float, float, float]]:
    decided = decide(listed, FINDINGS, scores_of(edema))
    return decided.shipped, decided.within_abnormal["Edema"]


def test_a_finding_that_is_told_from_other_abnormal_films_ships() -> None:
    random = np.random.default_rng(0)
    shipped, (value, low, _) = told(LISTED, truth(LISTED, FINDINGS)[:, 1] + random.normal(0, 1, len(LISTED)))
    assert shipped == FINDINGS
    assert 0.5 < low < value < 0.9


def test_a_finding_whose_interval_reaches_one_half_does_not_ship_however_well_it_is_told_from_normal_films() -> None:
    random = np.random.default_rng(1)
    shipped, (_, low, high) = told(LISTED, 10 * abnormal(LISTED) + random.normal(0, 1, len(LISTED)))
    assert shipped == ("Pneumonia", "Effusion")
    assert low <= 0.5 < high


def test_whoever_tells_the_view_alone_tells_no_finding() -> None:
    """Edema is mostly on AP films: without matching, the view would reach two in three."""
    shipped, within = told(LISTED, of_view(LISTED, "AP").astype(np.float64))
    assert "Edema" not in shipped
    assert within == (0.5, 0.5, 0.5)


def test_a_view_with_few_films_of_a_finding_does_not_count_since_it_is_not_looked_for_there() -> None:
    few = [film for film in LISTED if not ("Edema" in film.labels and film.view == "AP" and int(film.path.stem) >= 19)]
    edema, is_ap = truth(few, FINDINGS)[:, 1], of_view(few, "AP")
    assert (edema & is_ap).sum() == 19
    scores = np.stack([np.zeros(len(few)), edema & is_ap, np.zeros(len(few))], axis=1)
    decided = decide(few, FINDINGS, scores)
    assert decided.within_abnormal["Edema"] == (0.5, 0.5, 0.5)  # in PA films, where it is not told at all
    assert decided.shipped == ("Pneumonia",)


def test_a_finding_that_is_rare_in_both_views_does_not_ship_and_has_no_figure() -> None:
    few = [film for film in LISTED if not ("Edema" in film.labels and int(film.path.stem) % 4)]
    labels = truth(few, FINDINGS)
    assert labels[:, 1].sum() > 20 and not (labels[:, 1] & of_view(few, "AP")).sum() >= 20
    decided = decide(few, FINDINGS, labels.astype(np.float32))
    assert decided.shipped == ("Pneumonia", "Effusion")
    assert "Edema" not in decided.within_abnormal


def test_a_finding_that_all_abnormal_films_have_stands_for_abnormal_and_has_no_figure_among_them() -> None:
    decided = decide(LISTED, FINDINGS, scores_of(np.zeros(len(LISTED))))
    assert "Pneumonia" in decided.shipped
    assert set(decided.within_abnormal) == {"Edema", "Effusion"}
