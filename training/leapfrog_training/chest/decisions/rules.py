"""Calibration and thresholds of each finding of chest-findings, from films that the network did not see.

The box is set to the point that misses fewest within the limits on false alarms below. They are set a little stricter
than what is promised, since the same network gives other scores on other processors, and other people's films differ.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from leapfrog.packages.finding_rules import Calibration, FindingRule, ThresholdsByView, ViewThresholds
from leapfrog_training.chest.films import VIEWS, AdultFilm, Source, abnormal, folds_of, normal_of, of_view, truth
from leapfrog_training.chest.labels import chest_label
from leapfrog_training.evaluate.calibration import calibrated, platt
from leapfrog_training.evaluate.forms import Form, file_of
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.measured import Measured
from leapfrog_training.films.reading import raw_scores
from leapfrog_training.run.folder import Run

# Of the normal films of one source and view, the share that may be urgent; and of a source, that may have any flag.
PROMISED_URGENT = {
    ("PA", Source.RSNA_NORMAL): 0.05,
    ("AP", Source.RSNA_NORMAL): 0.10,
    ("AP", Source.CHESTXRAY14): 0.10,
}
PROMISED_FLAGGED = {Source.RSNA_NORMAL: 0.15}
# What is aimed at, to have some room.
URGENT_LIMITS = {
    ("PA", Source.RSNA_NORMAL): 0.04,
    ("AP", Source.RSNA_NORMAL): 0.08,
    ("AP", Source.CHESTXRAY14): 0.08,
}
FLAGGED_LIMITS = {("PA", Source.RSNA_NORMAL): 0.12, ("AP", Source.RSNA_NORMAL): 0.12}
FEWEST_POSITIVES = 20  # of a finding in a view: with fewer, it is not reported in films of that view
STEPS = 25  # thresholds tried for each finding
SCORE_STEP = 1e-9  # added, so that the film that gave a threshold is below it
UNSURE = 0.2  # less than this from AP_FROM, the view that the image states is taken: the output is often wrong there
AP_FROM = 0.5  # of the output that tells the view


class ChestRule(Measured):
    """Calibration and thresholds of one finding; by view, and None where it is not reported or never urgent."""

    label: str
    a: float
    b: float
    thresholds: dict[str, float | None]
    urgent_thresholds: dict[str, float | None]

    @property
    def views(self) -> tuple[str, ...]:
        """The views in which it is looked for."""
        return tuple(view for view in VIEWS if self.thresholds[view] is not None)

    @property
    def calibration(self) -> Calibration:
        """How a score is made from the network's own."""
        return Calibration(a=self.a, b=self.b)

    def rule(self) -> FindingRule:
        """The finding's entry in `model.toml`. Raises ValueError for a label without a code, or without a view."""
        entry = chest_label(self.label)
        if entry.code is None:
            raise ValueError(f"{self.label} has no code and cannot be reported")
        if not self.views:
            raise ValueError(f"{self.label} is looked for in no view: too few films have it, or none is normal")
        by_view = {
            view: ViewThresholds(threshold=threshold, urgent_threshold=self.urgent_thresholds[view])
            for view, threshold in self.thresholds.items()
            if threshold is not None
        }
        return FindingRule(
            name=entry.name,
            code=entry.code,
            threshold=min(one.threshold for one in by_view.values()),
            calibration=self.calibration,
            urgent=any(one.urgent_threshold is not None for one in by_view.values()),
            by_view=ThresholdsByView(**by_view),
        )


def held_out_scores(run: Run, films: Sequence[AdultFilm]) -> NDArray[np.float32]:
    """The int8 scores (films, findings and view) of the training films, each by the network that held it out."""
    folds = folds_of(films, run.notes.folds)
    parts = []
    for index, fold in enumerate(folds):
        with KioskModel(file_of(run.fold(index), Form.INT8)) as model:
            parts.append(raw_scores(model, [films[position] for position in fold.held_out]))
    order = np.argsort(np.concatenate([fold.held_out for fold in folds]))
    return np.concatenate(parts)[order]


def rules_from(
    findings: Sequence[str], films: Sequence[AdultFilm], held_out: NDArray[np.float32]
) -> tuple[ChestRule, ...]:
    """Calibration and thresholds of each finding, from the `held_out` scores (films, findings and view) of the training
    `films`. Neither a network that ships nor a validation film plays a part. Views are those that the networks told.
    """
    labels = truth(films, findings)
    calibrations = [platt(labels[:, k], held_out[:, k].astype(np.float64)) for k in range(len(findings))]
    scores = np.stack([calibrated(held_out[:, k], calibrations[k]) for k in range(len(findings))], axis=1)
    is_ap = held_out[:, -1] >= AP_FROM
    chosen = {view: _ThresholdsOfView(findings, films, labels, scores, view, is_ap == (view == "AP")) for view in VIEWS}
    return tuple(
        ChestRule(
            label=label,
            a=calibrations[k].a,
            b=calibrations[k].b,
            thresholds={view: one.flagging[k] for view, one in chosen.items()},
            urgent_thresholds={view: one.urgent[k] for view, one in chosen.items()},
        )
        for k, label in enumerate(findings)
    )


class _ThresholdsOfView:
    """The thresholds for films of one view, those that are `told` for it: `urgent` and `flagging`, for each finding.
    A finding that too few films of the view have is not reported, unless it stands for "abnormal".
    """

    def __init__(
        self,
        findings: Sequence[str],
        films: Sequence[AdultFilm],
        labels: NDArray[np.bool_],
        scores: NDArray[np.float64],
        view: str,
        told: NDArray[np.bool_],
    ) -> None:
        self._labels, self._scores = labels[told], scores[told]
        seen = [film for film, chosen in zip(films, told, strict=True) if chosen]
        self._normal = {source: normal_of(seen, source) for source in Source}
        positives = labels[of_view(films, view)].sum(axis=0)  # by the film's own view, as in the choice of findings
        stands_for_abnormal = (labels == abnormal(films)[:, np.newaxis]).all(axis=0)
        enough = (positives >= FEWEST_POSITIVES) | stands_for_abnormal
        reported = np.flatnonzero(enough & self._labels.any(axis=0)).tolist()
        urgent = [k for k in reported if chest_label(findings[k]).urgent]
        limits = {source: limit for (of, source), limit in URGENT_LIMITS.items() if of == view}
        self.urgent = self._urgent(len(findings), urgent, limits)
        limits = {source: limit for (of, source), limit in FLAGGED_LIMITS.items() if of == view}
        self.flagging = self._flagging(len(findings), reported, limits)

    def _keeps(self, limits: dict[Source, float], flagged: NDArray[np.bool_]) -> bool:
        """Whether few enough normal films have any of the flags (films, findings)."""
        return all(
            flagged[self._normal[source]].any(axis=1).mean() <= limit
            for source, limit in limits.items()
            if self._normal[source].any()
        )

    def _candidates(self, k: int, limits: dict[Source, float]) -> list[float]:
        """Thresholds from the one at which this finding alone uses up the limits to one that no normal film reaches."""
        normal = [(self._scores[self._normal[source], k], limit) for source, limit in limits.items()]
        candidates = []
        for share in np.linspace(1, 0, STEPS):
            reached = [np.quantile(scores, 1 - share * limit) for scores, limit in normal if len(scores)]
            if reached:
                candidates.append(float(max(reached)) + SCORE_STEP)
        return candidates

    def _urgent(self, findings: int, urgent: Sequence[int], limits: dict[Source, float]) -> list[float | None]:
        """The thresholds with the highest sum of sensitivities whose false alarms together keep the limits."""
        best: list[float | None] = [None] * findings
        most = 0.0
        for thresholds in product(*(self._candidates(k, limits) for k in urgent)):
            flagged = self._scores[:, urgent] >= thresholds
            found = sum(flagged[self._labels[:, k], at].mean() for at, k in enumerate(urgent))
            if found > most and self._keeps(limits, flagged):
                most = found
                for at, k in enumerate(urgent):
                    best[k] = thresholds[at]
        return best

    def _flagging(self, findings: int, reported: Sequence[int], limits: dict[Source, float]) -> list[float | None]:
        """For every finding the threshold at which the same share of normal films is flagged, the highest share at
        which those with any flag together keep the limits; never above the urgent threshold.
        """
        chosen = list(self.urgent)
        for thresholds in zip(*(self._candidates(k, limits) for k in reported), strict=True):
            lower = [self._at_most_urgent(k, one) for one, k in zip(thresholds, reported, strict=True)]
            if self._keeps(limits, self._scores[:, reported] >= lower):
                for at, k in enumerate(reported):
                    chosen[k] = lower[at]
                break
        return chosen

    def _at_most_urgent(self, k: int, threshold: float) -> float:
        urgent = self.urgent[k]
        return threshold if urgent is None else min(threshold, urgent)
