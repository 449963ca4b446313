"""The card of a package: what the model is for, what it was made from and what it is worth, in plain words.

Runs on the training machine only.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from leapfrog.reading.package import Manifest
from leapfrog_training.chest.drawing import RELIABILITY_FIGURE, ROC_FIGURE
from leapfrog_training.chest.evaluation import ChestEvaluation, PointingGame
from leapfrog_training.chest.labels import chest_label
from leapfrog_training.evaluate import Bounds, FormLatencies
from leapfrog_training.head.drawing import DICE_FIGURE, ERROR_FIGURE
from leapfrog_training.head.evaluation import HeadEvaluation
from leapfrog_training.nerve.evaluation import DICE_FIGURE as NERVE_DICE_FIGURE
from leapfrog_training.nerve.evaluation import NerveEvaluation
from leapfrog_training.runs import SHIPPED_SEED

FINE_TUNING_EPOCHS = 3

CHEST_TEXT = """## How it was made

MobileNetV2 1.0 on 224 x 224 gray pixels, started from ImageNet weights, its head a penalized linear model on the \
frozen features of two depths; then {epochs} epochs of everything, of which the weights went {share:.0%} of the way; \
then two epochs of quantization-aware training in which it learnt its own float answers. Full int8 from input to \
output. The second output is the class activation map of each finding, 7 x 7.

Everything was chosen on training patients only, by five-fold cross-validation in which no patient is on both sides: \
the weight of normal films, how far to fine-tune, the calibration (Platt) and each threshold (the highest sum of \
sensitivity and specificity, with a specificity of at least 0.7). No network, seed or epoch was chosen by its score on \
the validation films. Seed 0 ships: it was named beforehand, not for its score. Earlier networks were scored on the \
same validation films, and the floor on specificity was set after a look at such scores: an independent set would be \
fairer.

## Urgent findings

Pulmonary edema and features seen in pneumonia are marked urgent: both can kill within hours to days and can be \
treated in a clinic without a radiologist. Effusion, atelectasis and infiltrate are not: they are common, seldom need \
action within the hour when they stand alone, and marking everything urgent marks nothing.

## Limits

- Labels were read from reports by a program. They hold for groups of films, not for each film.
- In this subset nearly every abnormal film was chosen because it carries the label pneumonia, so the plain AUROC \
mostly tells normal films from abnormal ones. The column "within abnormal" does not: there the model is weak.
- The share of sick people here is far higher than in a clinic; the scores are calibrated to this subset.
- Mostly adults (68 of the 729 films are of people under 18, the youngest 4), one hospital, films squashed to \
a square. Small children, lateral and lordotic views are not covered.
- A film on which nothing is flagged is not normal: {not_covered} are not covered at all.
"""

HEAD_TEXT = """## How it was made

A U-Net on 128 x 192 gray pixels with a mask of 64 x 96, trained from scratch with turns, mirror images, zoom and \
other contrast, then quantization-aware training. Full int8 from input to output. The kiosk fits one ellipse \
to the edge of the mask and measures its circumference.

The mask to learn ends at the middle of the drawn outline. The drawn outlines run beside the ellipses whose \
circumference the data set states: perfect masks of them measure 0.65 mm too much. So the line that is measured is \
not drawn where the mask crosses one half but a little further in, at the level at which the training pictures carry \
no bias: {level:.2f}.

Networks, level and threshold were chosen on training subjects only; no subject is on both sides. That perfect masks \
measure too much was seen on training subjects before anything was scored; the level came in after seed 0 had been \
scored once without it. Seed 0 ships: it was named beforehand, not for its score. The threshold is the agreement of \
mask and ellipse that 99 % of the training pictures reach.

## Limits

- One hospital, one standard plane, pictures at half resolution. Other planes are not covered: the model outlines \
what looks most like a head.
- Pictures with a wrong or missing pixel size give a wrong circumference or none.
- Twins, growth disorders and heads partly outside of the picture were not studied.
"""

NERVE_TEXT = """## How it was made

A small U-Net on 128 x 192 gray pixels with a mask of half that size, trained on pictures with and without a nerve, \
then quantization-aware training. Full int8 from input to output. The kiosk outlines the largest part of the mask and \
measures the area within.

One training patient in five was not fitted on: they ended the training and set the threshold, which is on the mean \
probability within the outline. No patient is on both sides. Seed 0 ships: it was named beforehand, not for its score.

## Limits

- It was made for one place, the side of the neck above the clavicle. A machine's preset says only that nerves are \
examined: elsewhere the model outlines what looks most like the brachial plexus.
- Where nothing is outlined, there may be a nerve all the same. The outline must not guide a needle.
- Annotators disagree about these nerves, and the set holds nearly equal pictures with and without a drawn nerve.
- Pictures with a wrong or missing pixel size give a wrong area or none.
"""


def chest_card(manifest: Manifest, evaluation: ChestEvaluation) -> str:
    """`card.md` of chest-findings."""
    seeds = [seed.scores.mean_auroc.value for seed in evaluation.seeds]
    among_abnormal = [seed.scores.mean_within_abnormal for seed in evaluation.seeds]
    shipped = evaluation.seeds[0]
    rows = [
        (
            chest_label(finding.label).name,
            str(finding.positives),
            _with_interval(finding.auroc),
            "-" if finding.within_abnormal is None else f"{finding.within_abnormal:.3f}",
            f"{rule.auroc:.3f}",
            f"{rule.threshold:.3f}",
            f"{finding.sensitivity:.2f}",
            f"{finding.specificity:.2f}",
            f"{calibration.calibration_error:.2f}",
        )
        for finding, rule, calibration in zip(
            shipped.scores.findings, evaluation.rules, shipped.calibration, strict=True
        )
    ]
    parts = [
        *_head(manifest),
        "## What it is worth\n",
        f"Measured on {evaluation.validation_films} films of other patients, through the kiosk's own reading of "
        f"picture and scores; {evaluation.training_films} films were trained on, {evaluation.left_out} could not be "
        "read.\n",
        _table(
            ("Mean AUROC over the findings", _mean_of(len(seeds)), "lowest", "highest"),
            [
                ("int8, all films", *_spread(seeds)),
                ("int8, within the abnormal films", *_spread(among_abnormal)),
                ("float32, all films", *_spread([seed.float32.mean_auroc.value for seed in evaluation.seeds])),
                (
                    "float32, within the abnormal films",
                    *_spread([seed.float32.mean_within_abnormal for seed in evaluation.seeds]),
                ),
                (
                    "int8 quantized after training",
                    *_spread([seed.ptq.mean_auroc.value for seed in evaluation.seeds]),
                ),
            ],
        ),
        f"Seed {shipped.seed}, which ships: {_with_interval(shipped.scores.mean_auroc)}; "
        f"{shipped.sizes.int8:,} bytes (float32 {shipped.sizes.float32:,}); its int8 heat maps correlate "
        f"{shipped.aware_agreement:.2f} with those of its own network in simulated int8 and "
        f"{shipped.float_agreement:.2f} with those of its float network. In brackets: 95 % "
        "intervals over patients.\n",
        _table(
            (
                "Finding",
                "positives",
                "AUROC",
                "within abnormal",
                "in cross-validation",
                "threshold",
                "sensitivity",
                "specificity",
                "calibration error",
            ),
            rows,
        ),
        _pointing(evaluation.pointing),
        _latency(evaluation.latency),
        f"![ROC curves]({ROC_FIGURE})\n\n![Reliability]({RELIABILITY_FIGURE})\n",
        CHEST_TEXT.format(
            epochs=FINE_TUNING_EPOCHS, share=evaluation.fine_tuned_share, not_covered=", ".join(manifest.not_covered)
        ),
        *_sources(manifest),
    ]
    return "\n".join(parts)


def head_card(manifest: Manifest, evaluation: HeadEvaluation) -> str:
    """`card.md` of fetal-head."""
    shipped = evaluation.seeds[0]
    forms = {
        "int8": [seed.scores for seed in evaluation.seeds],
        "float32": [seed.float32 for seed in evaluation.seeds],
        "int8 quantized after training": [seed.ptq for seed in evaluation.seeds],
    }
    rows = []
    for name, of_seeds in forms.items():
        rows.append((f"Dice, {name}", *_spread([one.dice.value for one in of_seeds], digits=4)))
        errors = [one.absolute_error_mm.value for one in of_seeds]
        rows.append((f"Error of head circumference, mm, {name}", *_spread(errors, digits=2)))
    scores = shipped.scores
    parts = [
        *_head(manifest),
        "## What it is worth\n",
        f"Measured on {evaluation.validation_pictures} pictures of other subjects, through the kiosk's own reading of "
        f"picture and mask; {evaluation.training_pictures} pictures were trained on, {evaluation.left_out} could not "
        "be read. Dice is that of the mask at one half against the filled "
        "outline; the error is the mean absolute one.\n",
        _table(("", _mean_of(len(evaluation.seeds)), "lowest", "highest"), rows),
        f"Seed {shipped.seed}, which ships: Dice {_with_interval(scores.dice, digits=4)}; error of the head "
        f"circumference {_with_interval(scores.absolute_error_mm, digits=2)} mm, median "
        f"{scores.median_absolute_error_mm:.2f}, 95th percentile {scores.percentile_95_absolute_error_mm:.1f}, mean "
        f"with its sign {scores.mean_error_mm:+.2f}; {scores.not_measured} of {scores.pictures} pictures were not "
        f"measured. {shipped.sizes.int8:,} bytes (float32 {shipped.sizes.float32:,}). In brackets: 95 % intervals over "
        "subjects.\n",
        _latency(evaluation.latency),
        f"![Dice]({DICE_FIGURE})\n\n![Error of the head circumference]({ERROR_FIGURE})\n",
        HEAD_TEXT.format(level=shipped.level),
        *_sources(manifest),
    ]
    return "\n".join(parts)


def nerve_card(manifest: Manifest, evaluation: NerveEvaluation) -> str:
    """`card.md` of brachial-plexus."""
    shipped = evaluation.seeds[SHIPPED_SEED]
    forms = {
        "int8": [seed.scores for seed in evaluation.seeds],
        "float32": [seed.float32 for seed in evaluation.seeds],
        "int8 quantized after training": [seed.ptq for seed in evaluation.seeds],
    }
    rows = []
    for name, of_seeds in forms.items():
        rows.append((f"Kaggle metric, {name}", *_spread([one.kaggle.value for one in of_seeds])))
        rows.append((f"Dice where a nerve was drawn, {name}", *_spread([one.not_empty.value for one in of_seeds])))
        rows.append(
            (f"Share of empty pictures left empty, {name}", *_spread([one.empty_left_empty for one in of_seeds]))
        )
    parts = [
        *_head(manifest),
        "## What it is worth\n",
        f"Measured on {evaluation.held_out_pictures} pictures of {evaluation.held_out_patients} other patients, "
        "through the kiosk's own reading of picture and mask; "
        f"{evaluation.training_pictures} pictures were trained on, "
        f"{evaluation.left_out} could not be read. The Kaggle metric is the mean Dice of all pictures, where one "
        "without a nerve counts 1 when nothing is outlined: a model that never outlines anything would reach "
        f"{evaluation.nothing_anywhere:.3f}.\n",
        _table(("", _mean_of(len(evaluation.seeds)), "lowest", "highest"), rows),
        f"Seed {shipped.seed}, which ships: Kaggle metric {_with_interval(shipped.scores.kaggle)}; Dice where a nerve "
        f"was drawn {_with_interval(shipped.scores.not_empty)}. {shipped.sizes.int8:,} bytes (float32 "
        f"{shipped.sizes.float32:,}). In brackets: 95 % intervals over patients.\n",
        _latency(evaluation.latency),
        f"![Dice]({NERVE_DICE_FIGURE})\n",
        NERVE_TEXT,
        *_sources(manifest),
    ]
    return "\n".join(parts)


def _pointing(game: PointingGame | None) -> str:
    if game is None:
        return "The data set has no boxes: where the heat maps point was not measured.\n"
    return (
        f"Pointing game: in {game.hits} of {game.boxes} boxes that radiologists drew, the finding's heat map is hottest "
        f"within the box ({game.share:.0%}, 95 % interval {game.low:.0%} to {game.high:.0%}; by chance "
        f"{game.chance:.0%}). Each film was shown to a network that was not trained on it. "
        f"{game.boxes_not_covered} further boxes are of findings that are not covered.\n"
    )


def _latency(latency: FormLatencies) -> str:
    forms = {"float32": latency.float32, "int8 quantized after training": latency.ptq, "int8": latency.int8}
    rows = [
        (form, *(f"{one.median_ms:.1f} ({one.percentile_95_ms:.1f})" for one in measured))
        for form, measured in forms.items()
    ]
    threads = [f"{one.threads} thread{'s' if one.threads > 1 else ''}" for one in latency.int8]
    return f"Latency in the kiosk's engine host, ms, median (95th percentile), on {latency.machine}:\n\n" + _table(
        ("", *threads), rows
    )


def _head(manifest: Manifest) -> list[str]:
    return [f"# {manifest.name} {manifest.version}\n", f"{manifest.intended_use}\n"]


def _sources(manifest: Manifest) -> list[str]:
    data = manifest.data
    return ["## Data\n", f"{data.name}. Licence: {data.licence}. Cite: {data.citation}.\n"]


def _with_interval(bounds: Bounds, digits: int = 3) -> str:
    return f"{bounds.value:.{digits}f} [{bounds.low:.{digits}f}-{bounds.high:.{digits}f}]"


def _spread(values: Sequence[float], digits: int = 3) -> tuple[str, str, str]:
    return f"{np.mean(values):.{digits}f}", f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"


def _mean_of(seeds: int) -> str:
    return f"mean of {seeds} seeds" if seeds > 1 else "one seed only"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
