"""Thresholds of chest-findings: for each view, the point that misses fewest within the limits on false alarms."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog_training.chest.decisions.rules import FLAGGED_LIMITS, URGENT_LIMITS, ChestRule, rules_from
from leapfrog_training.chest.films import VIEWS, AdultFilm, Source, normal_of, of_view, truth
from leapfrog_training.evaluate.calibration import calibrated
from support.adults import films

MINED, RSNA = Source.CHESTXRAY14, Source.RSNA_NORMAL
FINDINGS = ("Pneumonia", "Edema", "Effusion")
PNEUMONIA, EDEMA, EFFUSION = range(3)
ALL = ("Pneumonia", "Edema", "Effusion")
LISTED = films(
    (60, ("Pneumonia",), "PA", MINED), (40, ("Pneumonia", "Effusion"), "PA", MINED),
    (19, ("Pneumonia", "Edema"), "PA", MINED),
    (50, ALL, "AP", MINED), (50, ("Pneumonia", "Edema"), "AP", MINED), (40, ("Pneumonia",), "AP", MINED),
    (120, (), "PA", MINED), (90, (), "AP", MINED), (300, (), "PA", RSNA), (150, (), "AP", RSNA),
)  # fmt: skip


@dataclass
class Told:
    """Scores of the held-out films with the rules that came from them."""

    listed: list[AdultFilm]
    raw: NDArray[np.float32]
    rules: tuple[ChestRule, ...]

    @property
    def is_ap(self) -> NDArray[np.bool_]:
        return np.asarray(self.raw[:, -1] >= 0.5)

    def reached(self, kind: str) -> NDArray[np.bool_]:
        """Which films reach their view's thresholds, (films, findings)."""
        reached = np.zeros((len(self.listed), len(self.rules)), np.bool_)
        for k, rule in enumerate(self.rules):
            scores = calibrated(self.raw[:, k], rule.calibration)
            for view, chosen in (("PA", ~self.is_ap), ("AP", self.is_ap)):
                threshold = (rule.urgent_thresholds if kind == "urgent" else rule.thresholds)[view]
                if threshold is not None:
                    reached[chosen, k] = scores[chosen] >= threshold
        return reached


def told(listed: list[AdultFilm], strength: float = 1.5, view_column: NDArray[np.float64] | None = None) -> Told:
    """Scores that tell each finding as well as `strength` standard deviations do; AP films score higher altogether."""
    random = np.random.default_rng(3)
    is_ap = of_view(listed, "AP")
    logits = random.normal(0, 1, (len(listed), len(FINDINGS))) + strength * truth(listed, FINDINGS)
    logits += 0.8 * is_ap[:, np.newaxis]
    views = is_ap.astype(np.float64) if view_column is None else view_column
    raw = np.concatenate([1 / (1 + np.exp(-logits)), views[:, np.newaxis]], axis=1).astype(np.float32)
    return Told(listed, raw, rules_from(FINDINGS, listed, raw))


@pytest.fixture(scope="module")
def usual() -> Told:
    return told(LISTED)


@pytest.mark.parametrize(("kind", "limits"), [("urgent", URGENT_LIMITS), ("flagged", FLAGGED_LIMITS)])
def test_the_limits_are_kept_in_each_view_on_the_films_that_set_the_thresholds_by_all_findings_together(
    usual: Told, kind: str, limits: dict[tuple[str, Source], float]
) -> None:
    called = np.asarray(usual.reached(kind).any(axis=1))
    for (view, source), limit in limits.items():
        group = np.asarray(normal_of(LISTED, source) & of_view(LISTED, view))
        assert 0 < called[group].mean() <= limit


def test_the_limits_are_used_no_wider_point_would_have_kept_them(usual: Told) -> None:
    """One more normal film in any view, and a limit is passed: nothing was given away."""
    called = np.asarray(usual.reached("flagged").any(axis=1))
    group = normal_of(LISTED, RSNA)
    for view in VIEWS:
        films_of_view = np.asarray(group & of_view(LISTED, view))
        assert called[films_of_view].mean() > FLAGGED_LIMITS[view, RSNA] - 0.03


@pytest.mark.parametrize("view", VIEWS)
def test_no_other_urgent_thresholds_within_the_limits_find_clearly_more(usual: Told, view: str) -> None:
    chosen = of_view(LISTED, view)
    urgent = [k for k in (PNEUMONIA, EDEMA) if usual.rules[k].urgent_thresholds[view] is not None]
    scores = np.stack([calibrated(usual.raw[:, k], usual.rules[k].calibration) for k in urgent], axis=1)
    labels = truth(LISTED, FINDINGS)[:, urgent]

    def found(reached: NDArray[np.bool_]) -> float:
        return sum(float(reached[labels[:, at] & chosen, at].mean()) for at in range(len(urgent)))

    def keeps(reached: NDArray[np.bool_]) -> bool:
        called = np.asarray(reached.any(axis=1))
        limits = [(source, limit) for (of, source), limit in URGENT_LIMITS.items() if of == view]
        normal = [(np.asarray(normal_of(LISTED, source) & chosen), limit) for source, limit in limits]
        return all(called[group].mean() <= limit for group, limit in normal)

    grids = [np.quantile(scores[chosen, at], np.linspace(0.3, 1, 40)) for at in range(len(urgent))]
    others = np.stack(np.meshgrid(*grids), axis=-1).reshape(-1, len(urgent))
    best = max(found(scores >= thresholds) for thresholds in others if keeps(scores >= thresholds))
    assert found(usual.reached("urgent")[:, urgent]) > best - 0.05


def test_what_is_urgent_is_flagged(usual: Told) -> None:
    for rule in usual.rules:
        for view in VIEWS:
            threshold, urgent = rule.thresholds[view], rule.urgent_thresholds[view]
            assert urgent is None or (threshold is not None and threshold <= urgent)
    assert not (usual.reached("urgent") & ~usual.reached("flagged")).any()


def test_a_finding_with_fewer_than_twenty_films_in_a_view_is_never_flagged_there(usual: Told) -> None:
    edema = usual.rules[EDEMA]
    assert (edema.thresholds["PA"], edema.urgent_thresholds["PA"]) == (None, None)
    assert edema.thresholds["AP"] is not None and edema.urgent_thresholds["AP"] is not None
    assert edema.views == ("AP",)
    assert edema.rule().in_view("PA") is None and edema.rule().in_view("AP") is not None


def test_one_more_film_and_it_is_flagged() -> None:
    one = films((1, ("Pneumonia", "Edema"), "PA", MINED))
    assert told([*LISTED, *one]).rules[EDEMA].thresholds["PA"] is not None


def test_what_all_abnormal_films_have_is_reported_also_where_they_are_few() -> None:
    few = [film for film in LISTED if not (film.labels and film.view == "PA")]
    few += films((8, ("Pneumonia",), "PA", MINED))
    first, *others = told(few, strength=4).rules
    assert first.thresholds["PA"] is not None and first.urgent_thresholds["PA"] is not None
    assert all(rule.thresholds["PA"] is None for rule in others)


def test_a_finding_that_is_not_urgent_by_its_name_never_is(usual: Told) -> None:
    assert usual.rules[EFFUSION].urgent_thresholds == {"PA": None, "AP": None}
    assert not usual.rules[EFFUSION].rule().urgent


def test_without_a_threshold_that_keeps_the_limits_nothing_is_urgent() -> None:
    """Every normal film has the highest score there is, and so have the sick."""
    raw = np.concatenate([np.full((len(LISTED), 3), 0.999), of_view(LISTED, "AP")[:, np.newaxis]], axis=1)
    rules = rules_from(FINDINGS, LISTED, raw.astype(np.float32))
    assert all(rule.urgent_thresholds == {"PA": None, "AP": None} for rule in rules)
    assert not Told(LISTED, raw.astype(np.float32), rules).reached("flagged").any()


def test_a_film_counts_for_the_view_that_the_network_took_it_for() -> None:
    """As on the box, where nobody says which view a film is."""
    thresholds = told(LISTED, view_column=of_view(LISTED, "PA").astype(np.float64)).rules[PNEUMONIA].thresholds
    assert thresholds["PA"] is not None and thresholds["AP"] is not None
    assert thresholds["PA"] > thresholds["AP"]  # it is the AP films that score higher


def test_each_view_has_thresholds_of_its_own(usual: Told) -> None:
    """AP films score higher altogether: one threshold for both would call most of them."""
    thresholds = usual.rules[PNEUMONIA].thresholds
    assert thresholds["PA"] is not None and thresholds["AP"] is not None
    assert thresholds["AP"] > thresholds["PA"]


def test_a_finding_that_is_looked_for_in_no_view_cannot_be_reported() -> None:
    nowhere = ChestRule(
        label="Edema", a=1, b=0, thresholds={"PA": None, "AP": None}, urgent_thresholds={"PA": None, "AP": None}
    )
    with pytest.raises(ValueError, match="Edema is looked for in no view"):
        nowhere.rule()
