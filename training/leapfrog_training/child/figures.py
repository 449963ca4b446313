"""The figures of the card of chest-child."""

from leapfrog.evaluation.scores import roc
from leapfrog_training.child.evaluation import ChildEvaluation, ShippedChildren
from leapfrog_training.drawing import BLACK, BLUE, GRAY, VERMILLION, canvas, png
from leapfrog_training.evaluate.forms import Form

ROC_FILE, CONTROLS_FILE = "roc.png", "controls.png"


def child_figures(evaluation: ChildEvaluation, shipped: ShippedChildren) -> dict[str, bytes]:
    """Every figure, by file name, for the seed that ships."""
    return {ROC_FILE: draw_roc(evaluation, shipped), CONTROLS_FILE: draw_controls(evaluation)}


def draw_roc(evaluation: ChildEvaluation, shipped: ShippedChildren) -> bytes:
    """What is found against what is falsely flagged at every threshold, with the point at which the kiosk flags."""
    point = evaluation.shipped.forms[Form.INT8].all
    with canvas(5.4, 5.2) as (figure, axes):
        panel = axes[0, 0]
        panel.plot([0, 1], [0, 1], color=GRAY, linestyle=":", linewidth=1, label="chance")
        for form, colour, style, name in (
            (Form.FLOAT32, VERMILLION, "--", "float32"),
            (Form.INT8, BLUE, "-", "int8, which ships"),
        ):
            alarms, found = roc(shipped.sick, shipped.read[form].scores[:, 0])
            panel.plot(alarms, found, color=colour, linestyle=style, linewidth=1.6, label=name)
        panel.plot(
            1 - point.specificity.value, point.sensitivity.value, "o", color=BLACK, label="where the kiosk flags"
        )
        panel.set_xlim(-0.02, 1.02)
        panel.set_ylim(-0.02, 1.02)
        panel.set_aspect("equal")
        panel.set_xlabel("False alarms: share of the healthy children that are flagged")
        panel.set_ylabel("Found: share of the children with pneumonia that are flagged")
        panel.set_title(f"{evaluation.validation_films} films of other children of the same hospital")
        panel.legend(loc="lower right")
        return png(figure)


def draw_controls(evaluation: ChildEvaluation) -> bytes:
    """AUROC of the films as they are, and of each control, with intervals."""
    shipped = evaluation.shipped
    rows = [("as they are", shipped.forms[Form.INT8].all.auroc)]
    rows += [(name, shown.auroc) for name, shown in shipped.controls.items()]
    with canvas(7.2, 1.3 + 0.45 * len(rows)) as (figure, axes):
        panel = axes[0, 0]
        panel.axvline(0.5, color=GRAY, linestyle=":", linewidth=1)
        for row, (_, auroc) in enumerate(rows):
            span = [[auroc.value - auroc.low], [auroc.high - auroc.value]]
            panel.errorbar(auroc.value, row, xerr=span, fmt="o", color=BLUE if row == 0 else VERMILLION, capsize=3)
        panel.set_yticks(range(len(rows)), [name for name, _ in rows])
        panel.set_ylim(len(rows) - 0.5, -0.5)
        panel.set_xlim(0, 1.02)
        panel.set_xlabel("AUROC with 95 % interval (0.5, dotted: chance)")
        panel.set_title("Films shown as they are, and in ways that show what the model looks at")
        return png(figure)
