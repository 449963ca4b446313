"""Calibration and threshold of each finding of chest-findings, from films that the network did not see."""

from collections.abc import Sequence

import numpy as np

from leapfrog.packages.manifest import Calibration, FindingRule
from leapfrog_training.chest.films import abnormal, folds_of, truth
from leapfrog_training.chest.manifest import chest_rule
from leapfrog_training.datasets.chestxray14 import Film
from leapfrog_training.evaluate.calibration import calibrated, flagging_threshold, platt
from leapfrog_training.evaluate.classification import Answers, answers
from leapfrog_training.evaluate.forms import Form, file_of
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.measured import Measured, Portion
from leapfrog_training.evaluate.scores import auroc, operating_point
from leapfrog_training.run.folder import Run


class CrossValidatedRule(Measured):
    """Calibration and threshold of one finding, and their results on the training films that each fold held out.

    `within_abnormal` is None if every abnormal film has the finding.
    """

    label: str
    a: float
    b: float
    threshold: float
    auroc: float
    within_abnormal: float | None
    sensitivity: Portion | None
    specificity: Portion | None

    def rule(self) -> FindingRule:
        """The finding's entry in `model.toml`."""
        return chest_rule(self.label, Calibration(a=self.a, b=self.b), self.threshold)


def held_out_answers(run: Run, films: tuple[Film, ...]) -> Answers:
    """The int8 outputs for the training films, each film read by the network of the fold that held it out."""
    order, parts = [], []
    for index, fold in enumerate(folds_of(films, run.notes.folds)):
        with KioskModel(file_of(run.fold(index), Form.INT8)) as model:
            parts.append(answers(model, [films[position].path for position in fold.held_out]))
        order.append(fold.held_out)
    back = np.argsort(np.concatenate(order))
    return Answers(
        np.concatenate([part.scores for part in parts])[back], np.concatenate([part.maps for part in parts])[back]
    )


def cross_validated_rules(
    findings: Sequence[str], films: Sequence[Film], held_out: Answers
) -> tuple[CrossValidatedRule, ...]:
    """Calibration and threshold of each finding, from the `held_out` outputs for the training `films`. Neither a
    network that ships nor a validation film plays a part.
    """
    labels, sick = truth(films, findings), abnormal(films)
    rules = []
    for k, label in enumerate(findings):
        positive, scores = labels[:, k], held_out.scores[:, k].astype(np.float64)
        calibration = platt(positive, scores)
        shown = calibrated(scores, calibration)
        threshold = flagging_threshold(positive, shown)
        point = operating_point(positive, shown >= threshold)
        within = auroc(positive[sick], shown[sick])
        rules.append(
            CrossValidatedRule(
                label=label,
                a=calibration.a,
                b=calibration.b,
                threshold=threshold,
                auroc=auroc(positive, shown),
                within_abnormal=None if np.isnan(within) else within,
                sensitivity=point.sensitivity,
                specificity=point.specificity,
            )
        )
    return tuple(rules)
