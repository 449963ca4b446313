"""The figures of the card of chest-findings."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from leapfrog.evaluation.measured import Bounds
from leapfrog.evaluation.scores import roc
from leapfrog_training.chest.evaluation.evaluation import ChestEvaluation, ShippedFilms
from leapfrog_training.chest.films import VIEWS, Source, of_view
from leapfrog_training.chest.labels import chest_label
from leapfrog_training.drawing import BLACK, BLUE, GRAY, VERMILLION, canvas, png
from leapfrog_training.evaluate.forms import Form

TRADE_OFF_FILE, AUROC_FILE, CONTROLS_FILE = "trade-off.png", "auroc.png", "controls.png"
MOST_ALARMS = 0.5  # the curve is drawn up to here: nobody would set the box further


def chest_figures(evaluation: ChestEvaluation, shipped: ShippedFilms) -> dict[str, bytes]:
    """Every figure, by file name, for the seed that ships."""
    return {
        TRADE_OFF_FILE: draw_trade_off(evaluation, shipped),
        AUROC_FILE: draw_aurocs(evaluation),
        CONTROLS_FILE: draw_controls(evaluation),
    }


def draw_trade_off(evaluation: ChestEvaluation, shipped: ShippedFilms) -> bytes:
    """For each view: the share of abnormal films that a threshold finds against the share of normal ones that it
    calls, by source, and the point at which the box calls a film urgent.
    """
    pairs, number = shipped.pairs, shipped.pairs.for_abnormal
    scores = shipped.read.scores[:, number]
    shares = evaluation.shipped.pooled_shares.urgent
    label = pairs.findings[number]
    with canvas(8.4, 4.4, 1, len(VIEWS)) as (figure, axes):
        for panel, view in zip(axes[0], VIEWS, strict=True):
            sick = pairs.labels[:, number] & of_view(pairs.films, view)
            for source, colour in ((Source.RSNA_NORMAL, BLUE), (Source.CHESTXRAY14, VERMILLION)):
                healthy = pairs.normal(source) & of_view(pairs.films, view)
                if not (sick.any() and healthy.any()):
                    continue
                chosen = sick | healthy
                alarms, found = roc(sick[chosen], scores[chosen])
                panel.plot(alarms, found, color=colour, linewidth=1.8, label=f"{int(healthy.sum())} normal, {source}")
                called, of_sick = shares[f"{source} normal, {view}"], shares[f"{label}, {view}"]
                panel.plot(called.value, of_sick.value, "o", color=BLACK, markersize=7, zorder=3)
            panel.plot([0, MOST_ALARMS], [0, MOST_ALARMS], color=GRAY, linestyle=":", linewidth=1)
            panel.set_xlim(0, MOST_ALARMS)
            panel.set_ylim(0, 1)
            panel.set_title(f"{view} films: {int(sick.sum())} abnormal")
            panel.legend(loc="upper left")
        figure.supxlabel("Share of normal films called urgent", fontsize=10)
        figure.supylabel("Share of abnormal films called urgent", fontsize=10)
        figure.suptitle("What is found, and what it costs. Black points: where the box is set", fontsize=10.5)
        return png(figure)


def draw_aurocs(evaluation: ChestEvaluation) -> bytes:
    """AUROC of each finding with its interval: against normal films of each source, and against other abnormal ones."""
    findings = evaluation.shipped.pooled
    kinds = (
        ("against RSNA-normal films", BLUE, "o", [one.against_rsna_normal for one in findings]),
        ("against the subset's No Finding", GRAY, "D", [one.against_no_finding for one in findings]),
        ("against other abnormal films", VERMILLION, "s", [one.within_abnormal for one in findings]),
    )
    with canvas(7.2, 1.9 + 0.7 * len(findings)) as (figure, axes):
        panel = axes[0, 0]
        panel.axvline(0.5, color=GRAY, linestyle=":", linewidth=1)
        for number, (name, colour, mark, values) in enumerate(kinds):
            _draw_intervals(panel, values, (number - 1) * 0.2, colour, mark, name)
        names = [
            f"{chest_label(one.label).name}\n({', '.join(f'{count} {view}' for view, count in one.positives.items())})"
            for one in findings
        ]
        panel.set_yticks(range(len(findings)), names)
        panel.set_ylim(len(findings) - 0.5, -0.5)
        panel.set_xlim(0.4, 1.0)
        panel.set_xlabel("AUROC over pairs of the same view, with 95 % interval (dotted: chance)")
        panel.set_title("How well the score ranks films that the network had not seen, int8")
        figure.legend(loc="outside lower center", ncols=3, fontsize=8.5)
        return png(figure)


def _draw_intervals(
    panel: Any, values: Sequence[Bounds | None], shift: float, colour: str, mark: str, name: str
) -> None:
    panel.plot([], [], mark, color=colour, label=name)
    for row, value in enumerate(values):
        if value is not None:
            span = [[value.value - value.low], [value.high - value.value]]
            panel.errorbar(value.value, row + shift, xerr=span, fmt=mark, color=colour, capsize=3, markersize=5)


def draw_controls(evaluation: ChestEvaluation) -> bytes:
    """AUROC of abnormal against RSNA-normal films: as they are, in each control, and of models of one cue."""
    shipped = evaluation.shipped
    rows = [("films as they are", evaluation.forms[Form.INT8].auroc, BLUE)]
    rows += [(name, shown.against_rsna_normal, VERMILLION) for name, shown in shipped.controls.items()]
    rows += [
        (f"a model that sees only\n{name}", cue.against_rsna_normal, GRAY) for name, cue in evaluation.cues.items()
    ]
    with canvas(7.2, 1.3 + 0.5 * len(rows)) as (figure, axes):
        panel = axes[0, 0]
        panel.axvline(0.5, color=GRAY, linestyle=":", linewidth=1)
        for row, (_, value, colour) in enumerate(rows):
            span = [[value.value - value.low], [value.high - value.value]]
            panel.errorbar(value.value, row, xerr=np.abs(span), fmt="o", color=colour, capsize=3)
        panel.set_yticks(range(len(rows)), [name for name, _, _ in rows])
        panel.set_ylim(len(rows) - 0.5, -0.5)
        panel.set_xlim(0.2, 1.02)
        panel.set_xlabel("AUROC, with 95 % interval (0.5, dotted: chance)")
        panel.set_title("Abnormal against RSNA-normal films of the same view")
        return png(figure)
