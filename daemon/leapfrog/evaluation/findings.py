"""How well the box found each finding in the hospital's own images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leapfrog.evaluation.candidates import Candidate, candidates, why_none
from leapfrog.evaluation.finding_images import FindingImages
from leapfrog.evaluation.labelled import EvaluatedImage
from leapfrog.evaluation.masks import MaskScores, mask_scores
from leapfrog.evaluation.measured import Bounds, Portion
from leapfrog.evaluation.scores import (
    CalibrationBin,
    Resamples,
    bounds,
    brier,
    calibration_bins,
    calibration_error,
    portion,
    resample,
    roc,
)
from leapfrog.exam import FrontalView, Frozen
from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.manifest import Manifest

FEWEST_FOR_AUROC = 10  # of each: with fewer, an AUROC says nothing
VIEWS: tuple[FrontalView, ...] = ("PA", "AP")
CURVE_POINTS = 400  # at most, of a drawn curve


class Detection(Frozen):
    """What was flagged among images with the finding and without; None where there are none."""

    positives: int
    negatives: int
    sensitivity: Portion | None
    specificity: Portion | None
    positive_predictive_value: Portion | None
    negative_predictive_value: Portion | None
    auroc: Bounds | None


class GroupDetection(Frozen):
    """The same in one group of images, such as those of one machine."""

    kind: str
    name: str
    detection: Detection


class Curves(Frozen):
    """What is drawn: `alarms` and `found`, the shares of the negatives and positives at or above each of `thresholds`,
    from the highest; and the reliability of the scores.
    """

    thresholds: tuple[float, ...]
    alarms: tuple[float, ...]
    found: tuple[float, ...]
    reliability: tuple[CalibrationBin, ...]


class FindingMeasures(Frozen):
    """One finding, in all images or, with `view`, in those of one view. `thresholds` are those that were applied, and
    `by_view` whether they differ by view: then thresholds are proposed for each view only. `not_looked_for` are images
    of a view in which the package does not look for it; `not_assessed` those that the package did not read, with the
    finding and without. `urgent` are the shares of positives and negatives that were called urgent.
    """

    finding: str
    view: FrontalView | None
    by_view: bool
    thresholds: tuple[float, ...]
    detection: Detection
    urgent_positives: Portion | None
    urgent_negatives: Portion | None
    not_assessed_positives: int
    not_assessed_negatives: int
    not_looked_for: int
    brier: float | None
    calibration_error: float | None
    curves: Curves | None
    groups: tuple[GroupDetection, ...]
    candidates: tuple[Candidate, ...]
    why_no_candidates: str
    masks: MaskScores | None


@dataclass(frozen=True)
class _Read:
    """The images that the package read for one finding, in one order."""

    images: tuple[EvaluatedImage, ...]
    positive: NDArray[np.bool_]
    scores: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    urgent: NDArray[np.bool_]
    draws: Resamples

    @classmethod
    def of(cls, chosen: FindingImages) -> "_Read":
        images = chosen.read
        said = [image.said.findings[chosen.finding] for image in images]
        return cls(
            images,
            chosen.positive,
            chosen.scores,
            np.array([one.flagged for one in said], bool),
            np.array([one.urgent for one in said], bool),
            resample([image.patient for image in images]) if images else Resamples(np.ones((1, 0), np.float32)),
        )

    def detection(self, chosen: NDArray[np.bool_] | None = None) -> Detection:
        among = np.ones(len(self.images), bool) if chosen is None else chosen
        positive, flagged = self.positive[among], self.flagged[among]
        positives, negatives = int(positive.sum()), int((~positive).sum())
        enough = min(positives, negatives) >= FEWEST_FOR_AUROC
        return Detection(
            positives=positives,
            negatives=negatives,
            sensitivity=portion(flagged[positive]),
            specificity=portion(~flagged[~positive]),
            positive_predictive_value=portion(positive[flagged]),
            negative_predictive_value=portion(~positive[~flagged]),
            auroc=bounds(self.draws.among(among).auroc(self.positive, self.scores)) if enough else None,
        )


def finding_measures(
    manifest: Manifest, images: Sequence[EvaluatedImage], prevalence: float | None
) -> tuple[FindingMeasures, ...]:
    """Each finding of which the truth is known for any image: in all images and, where its thresholds are by view, in
    each view.
    """
    measured: list[FindingMeasures] = []
    for rule in manifest.finding:
        by_view = VIEWS if rule.by_view is not None else ()
        for view in (None, *by_view):
            chosen = FindingImages.of(images, rule.name, view)
            if chosen.known and rule.in_view(view) is not None:
                measured.append(_measured(rule, view, chosen, prevalence))
    return tuple(measured)


def _measured(
    rule: FindingRule, view: FrontalView | None, chosen: FindingImages, prevalence: float | None
) -> FindingMeasures:
    name, by_view = rule.name, rule.by_view is not None
    read = _Read.of(chosen)
    unread = [chosen.is_there(image) for image in chosen.unread]
    both = bool(read.positive.any() and (~read.positive).any())
    own = rule.in_view(view)
    proposes = view is not None or not by_view
    detection = read.detection()
    return FindingMeasures(
        finding=name,
        view=view,
        by_view=by_view,
        thresholds=tuple(sorted({image.said.findings[name].threshold for image in chosen.read})),
        detection=detection,
        urgent_positives=portion(read.urgent[read.positive]),
        urgent_negatives=portion(read.urgent[~read.positive]),
        not_assessed_positives=sum(unread),
        not_assessed_negatives=len(unread) - sum(unread),
        not_looked_for=len(chosen.not_looked_for),
        brier=brier(read.positive, read.scores) if both else None,
        calibration_error=calibration_error(read.positive, read.scores) if both else None,
        curves=_curves(read) if both else None,
        groups=_groups(read),
        candidates=candidates(read.positive, read.scores, own.threshold if own else None, prevalence)
        if proposes
        else (),
        why_no_candidates=why_none(detection.positives, detection.negatives) if proposes else "",
        masks=_masks((*chosen.read, *chosen.not_looked_for), name),
    )


def _curves(read: _Read) -> Curves:
    alarms, found = roc(read.positive, read.scores)
    thresholds = np.concatenate([[1.0], np.unique(read.scores)[::-1]])
    kept = np.unique(np.linspace(0, len(alarms) - 1, min(CURVE_POINTS, len(alarms))).round().astype(int))
    return Curves(
        thresholds=tuple(map(float, thresholds[kept])),
        alarms=tuple(map(float, alarms[kept])),
        found=tuple(map(float, found[kept])),
        reliability=calibration_bins(read.positive, read.scores),
    )


def _groups(read: _Read) -> tuple[GroupDetection, ...]:
    """Each group of each kind of which the images are in more than one."""
    groups = [image.groups for image in read.images]
    made = []
    for kind in groups[0] if groups else ():
        names = np.array([one[kind] for one in groups])
        if len(set(names)) > 1:
            made += [
                GroupDetection(kind=kind, name=str(name), detection=read.detection(names == name))
                for name in dict.fromkeys(sorted(names))
            ]
    return tuple(made)


def _masks(images: Sequence[EvaluatedImage], name: str) -> MaskScores | None:
    with_masks = [image for image in images if name in image.said.overlaps]
    if not with_masks:
        return None
    overlaps = [image.said.overlaps[name] for image in with_masks]
    return mask_scores(overlaps, resample([one.patient for one in with_masks]))
