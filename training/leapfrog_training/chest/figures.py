"""The figures of the card of chest-findings."""

import math
from typing import Any

import numpy as np

from leapfrog_training.chest.evaluation import ChestEvaluation, ShippedFilms
from leapfrog_training.chest.labels import chest_label
from leapfrog_training.drawing import BLACK, BLUE, GRAY, VERMILLION, canvas, png
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.evaluate.scores import calibration_bins, roc

ROC_FILE, AUROC_FILE, RELIABILITY_FILE = "roc.png", "auroc.png", "reliability.png"
ROC_COLUMNS = 3


def chest_figures(evaluation: ChestEvaluation, shipped: ShippedFilms) -> dict[str, bytes]:
    """Every figure, by file name, for the seed that ships."""
    return {
        AUROC_FILE: draw_aurocs(evaluation),
        ROC_FILE: draw_rocs(evaluation, shipped),
        RELIABILITY_FILE: draw_reliability(shipped),
    }


def draw_aurocs(evaluation: ChestEvaluation) -> bytes:
    """AUROC of each finding with its interval: over all films, and within the abnormal ones."""
    findings = evaluation.shipped.forms[Form.INT8].findings
    with canvas(7.2, 1.5 + 0.55 * len(findings)) as (figure, axes):
        panel = axes[0, 0]
        panel.axvline(0.5, color=GRAY, linestyle=":", linewidth=1)
        for row, finding in enumerate(findings):
            of_all = finding.auroc
            span = [[of_all.value - of_all.low], [of_all.high - of_all.value]]
            label = "all films" if row == 0 else None
            panel.errorbar(of_all.value, row - 0.13, xerr=span, fmt="o", color=BLUE, capsize=3, label=label)
            within = finding.within_abnormal
            if within is not None:
                span = [[within.value - within.low], [within.high - within.value]]
                panel.errorbar(within.value, row + 0.13, xerr=span, fmt="s", color=VERMILLION, capsize=3, markersize=5)
        panel.errorbar([], [], xerr=[], fmt="s", color=VERMILLION, capsize=3, markersize=5, label="abnormal films only")
        names = [f"{chest_label(one.label).name}\n({one.positives} films)" for one in findings]
        panel.set_yticks(range(len(findings)), names)
        panel.set_ylim(len(findings) - 0.5, -0.5)
        panel.set_xlim(min(0.4, *_lowest(findings)), 1.0)
        panel.set_xlabel("AUROC with 95 % interval (0.5, dotted: chance; 1: never wrong)")
        panel.set_title(f"How well the score ranks films: {evaluation.validation_films} films of other patients, int8")
        figure.legend(loc="outside lower center", ncols=2)
        return png(figure)


def draw_rocs(evaluation: ChestEvaluation, shipped: ShippedFilms) -> bytes:
    """A curve for each finding, int8 and float32, with the point at which the kiosk flags."""
    findings = evaluation.shipped.forms[Form.INT8].findings
    rows = math.ceil(len(findings) / ROC_COLUMNS)
    with canvas(8.4, 1.1 + 2.7 * rows, rows, ROC_COLUMNS) as (figure, axes):
        for k, finding in enumerate(findings):
            panel, positive = axes[k // ROC_COLUMNS, k % ROC_COLUMNS], shipped.labels[:, k]
            panel.plot([0, 1], [0, 1], color=GRAY, linestyle=":", linewidth=1)
            for form, colour, style in ((Form.FLOAT32, VERMILLION, "--"), (Form.INT8, BLUE, "-")):
                alarms, found = roc(positive, shipped.read[form].scores[:, k])
                panel.plot(alarms, found, color=colour, linestyle=style, linewidth=1.6)
            panel.plot(1 - finding.specificity.value, finding.sensitivity.value, "o", color=BLACK, markersize=6)
            name = chest_label(finding.label).name
            panel.set_title(f"{name}\n{finding.positives} films with, {len(positive) - finding.positives} without")
            _unit_square(panel)
        for panel in axes.ravel()[len(findings) :]:
            panel.set_axis_off()
        figure.legend(handles=_roc_handles(), loc="outside upper center", ncols=4)
        figure.supxlabel("False alarms: share of the films without the finding that are flagged", fontsize=10)
        figure.supylabel("Found: share of the films with the finding that are flagged", fontsize=10)
        return png(figure)


def draw_reliability(shipped: ShippedFilms) -> bytes:
    """Scores against the truth, all findings together, int8 and float32."""
    films, findings = shipped.labels.shape
    with canvas(5.6, 5.4) as (figure, axes):
        panel = axes[0, 0]
        panel.plot([0, 1], [0, 1], color=GRAY, linestyle=":", linewidth=1, label="perfect scores")
        for form, colour, mark, name in (
            (Form.FLOAT32, VERMILLION, "s--", "float32"),
            (Form.INT8, BLUE, "o-", "int8, which ships"),
        ):
            bins = calibration_bins(shipped.labels.ravel(), shipped.read[form].scores.ravel())
            mean_scores = [one.mean_score for one in bins]
            true = np.array([one.positives.value for one in bins])
            if form is Form.INT8:
                span = [true - [one.positives.low for one in bins], [one.positives.high for one in bins] - true]
                panel.errorbar(mean_scores, true, yerr=np.abs(span), fmt="none", color=colour, capsize=3, linewidth=1)
            panel.plot(mean_scores, true, mark, color=colour, markersize=5, linewidth=1.4, label=name)
        _unit_square(panel)
        panel.set_xlabel("Score that the kiosk shows, mean of the group")
        panel.set_ylabel("Share that really had the finding")
        size = films * findings // len(bins)
        panel.set_title(
            f"Do the scores mean what they say? {films} films x {findings} findings,\n"
            f"in {len(bins)} groups of {size} answers; bars: 95 % interval of the share"
        )
        panel.legend(loc="upper left")
        return png(figure)


def _lowest(findings: Any) -> list[float]:
    lows = [one.auroc.low for one in findings] + [one.within_abnormal.low for one in findings if one.within_abnormal]
    return [low - 0.02 for low in lows]


def _unit_square(panel: Any) -> None:
    panel.set_xlim(-0.02, 1.02)
    panel.set_ylim(-0.02, 1.02)
    panel.set_aspect("equal")
    panel.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    panel.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])


def _roc_handles() -> list[Any]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=BLUE, label="int8, which ships"),
        Line2D([], [], color=VERMILLION, linestyle="--", label="float32"),
        Line2D([], [], color=BLACK, marker="o", linestyle="", label="where the kiosk flags"),
        Line2D([], [], color=GRAY, linestyle=":", label="chance"),
    ]
