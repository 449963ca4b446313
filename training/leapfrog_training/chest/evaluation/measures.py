"""What is measured of films that a network has not seen: AUROC over pairs of the same view, and the shares of each
group of films that are urgent or flagged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leapfrog.evaluation.measured import Bounds, Portion
from leapfrog.evaluation.scores import Resamples, bounds, portion, resample
from leapfrog_training.chest.decisions.rules import FEWEST_POSITIVES
from leapfrog_training.chest.films import VIEWS, AdultFilm, Source, abnormal, for_abnormal, normal_of, of_view, truth
from leapfrog_training.evaluate.classification import Readings
from leapfrog_training.evaluate.measured import Measured

Flags = NDArray[np.bool_]
Scores = NDArray[np.float64]


class MatchedScores(Measured):
    """The AUROC of one finding over pairs of films of the same view: against normal films of each source, and against
    other abnormal films; None where there are none, or where no view has enough films with the finding.

    `positives` are counted by view; a view with too few of them counts nowhere. `in_pa` is against RSNA-normal films in
    PA views alone.
    """

    label: str
    positives: dict[str, int]
    against_rsna_normal: Bounds | None
    in_pa: Bounds | None
    against_no_finding: Bounds | None
    within_abnormal: Bounds | None


class Means(Measured):
    """The means over the findings that have a figure."""

    against_rsna_normal: Bounds | None
    against_no_finding: Bounds | None
    within_abnormal: Bounds | None
    within_abnormal_without_edema: Bounds | None


class Shares(Measured):
    """Of each group of films, by its name, how many are urgent, and how many have any flag."""

    urgent: dict[str, Portion]
    flagged: dict[str, Portion]


@dataclass(frozen=True)
class Pairs:
    """Films with their labels (films, findings), for comparing groups of them."""

    films: tuple[AdultFilm, ...]
    findings: tuple[str, ...]
    labels: Flags
    draws: Resamples

    @classmethod
    def of(cls, films: Sequence[AdultFilm], findings: Sequence[str]) -> "Pairs":
        """With draws over the films' patients."""
        draws = resample([film.patient for film in films])
        return cls(tuple(films), tuple(findings), truth(films, findings), draws)

    def auroc(self, positive: Flags, negative: Flags, scores: Scores, views: Sequence[str] = VIEWS) -> Scores:
        """AUROC of the positive against the negative films over pairs of the same view, in each draw."""
        groups = [of_view(self.films, view) for view in views]
        return self.draws.among(positive | negative).matched_auroc(positive, scores, groups)

    def normal(self, source: Source) -> Flags:
        """The normal films of a source."""
        return normal_of(self.films, source)

    @property
    def for_abnormal(self) -> int:
        """Which of the findings stands for "abnormal"."""
        return for_abnormal(self.findings)

    @property
    def sick(self) -> Flags:
        """The abnormal films."""
        return abnormal(self.films)


def matched_scores(
    pairs: Pairs, scores: Scores, looked_for: Sequence[Sequence[str]]
) -> tuple[tuple[MatchedScores, ...], Means]:
    """Measure every finding by its scores (films, findings), in the views in which it is `looked_for`."""
    measured, drawn = [], []
    for k, label in enumerate(pairs.findings):
        positive = pairs.labels[:, k]
        counts = {view: int((positive & of_view(pairs.films, view)).sum()) for view in VIEWS}
        views = [view for view in looked_for[k] if counts[view] >= FEWEST_POSITIVES]
        rsna, mined = (pairs.normal(source) for source in (Source.RSNA_NORMAL, Source.CHESTXRAY14))
        of_finding = {
            "rsna": pairs.auroc(positive, rsna, scores[:, k], views),
            "pa": pairs.auroc(positive, rsna, scores[:, k], [view for view in views if view == "PA"]),
            "mined": pairs.auroc(positive, mined, scores[:, k], views),
            "within": pairs.auroc(positive, pairs.sick & ~positive, scores[:, k], views),
        }
        drawn.append(of_finding)
        measured.append(
            MatchedScores(
                label=label,
                positives=counts,
                against_rsna_normal=bounds(of_finding["rsna"]),
                in_pa=bounds(of_finding["pa"]),
                against_no_finding=bounds(of_finding["mined"]),
                within_abnormal=bounds(of_finding["within"]),
            )
        )
    without_edema = [one for label, one in zip(pairs.findings, drawn, strict=True) if label != "Edema"]
    return tuple(measured), Means(
        against_rsna_normal=_mean(drawn, "rsna"),
        against_no_finding=_mean(drawn, "mined"),
        within_abnormal=_mean(drawn, "within"),
        within_abnormal_without_edema=_mean(without_edema, "within"),
    )


def shares(pairs: Pairs, read: Readings) -> Shares:
    """The share of each group that is urgent or flagged: normal films by source and view, and each finding by view."""
    groups: dict[str, Flags] = {}
    kinds: Mapping[str, Flags] = {
        **{f"{source} normal": pairs.normal(source) for source in Source},
        **{label: pairs.labels[:, k] for k, label in enumerate(pairs.findings)},
    }
    for name, chosen in kinds.items():
        groups[name] = chosen
        groups |= {f"{name}, {view}": chosen & of_view(pairs.films, view) for view in VIEWS}

    def counted(flags: Flags) -> dict[str, Portion]:
        found = {name: portion(flags[chosen]) for name, chosen in groups.items()}
        return {name: share for name, share in found.items() if share is not None}

    return Shares(urgent=counted(read.any_urgent), flagged=counted(read.any_flag))


def _mean(drawn: Sequence[Mapping[str, Scores]], key: str) -> Bounds | None:
    known = [one[key] for one in drawn if not np.isnan(one[key][0])]
    return bounds(np.mean(known, axis=0)) if known else None
