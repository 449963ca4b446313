"""`card.md` of chest-findings: what it is for, how it was made and how good it is, in plain words."""

from leapfrog.packages.manifest import Manifest
from leapfrog_training.chest.evaluation import ChestEvaluation, ChestSeed
from leapfrog_training.chest.figures import AUROC_FILE, RELIABILITY_FILE, ROC_FILE
from leapfrog_training.chest.labels import chest_label
from leapfrog_training.evaluate.forms import FORM_NAMES, Form
from leapfrog_training.packaging import cards

MADE = """## How it was made

MobileNetV2 1.0 on 224 x 224 gray pixels, started from ImageNet weights and, for the head, from a penalized linear \
model on the frozen features. The whole network was then trained for a few epochs, followed by quantization-aware \
training. Full int8 from input to output. The second output is the class activation map of each finding, 7 x 7.
"""

DECISIONS = """## Which films each decision was based on

| decision | based on |
| --- | --- |
| weights of the network, ranges of its int8 numbers | the {training} training films |
| how long to train and how far to go from the ImageNet weights | the training films that each fold of the \
cross-validation held out; no patient is on both sides of a fold |
| calibration and threshold of each finding: the highest sum of sensitivity and specificity with a specificity of at \
least 0.7 | int8 scores of the same held-out training films, each by the network that had not seen it |
| which findings are covered | how many films have them, never a score |
| which seed ships | chosen in advance: seed 0 |
| that a threshold must keep a specificity of at least 0.7 | set after the first version's thresholds flagged nearly \
half of the healthy films, in the cross-validation as on the validation films; AUROC does not depend on it |
| every number under "How good it is" | the {validation} validation films, of patients that no network saw; they \
decided no weight, score or threshold, but the results of earlier versions and of two other recipes on them were known |
"""

URGENT = """## Urgent findings

Pulmonary edema and features seen in pneumonia are marked urgent: both can kill within hours to days and can be \
treated in a clinic without a radiologist. Effusion, atelectasis and infiltrate are not: they are common, seldom need \
action within the hour when they stand alone, and marking everything urgent marks nothing.
"""

LIMITS = """## Limits

- Labels were read from reports by a program. They are right on average, but not for every film.
- In this subset nearly every abnormal film was chosen because it has the label pneumonia, so the plain AUROC mostly \
measures how well normal films are told from abnormal ones. "Abnormal films only" does not, and there the model is weak.
- The share of sick people here is far higher than in a clinic; the scores are calibrated to this subset.
- Mostly adults (68 of the 729 films are of people under 18, the youngest 4), one hospital, films squashed to \
a square. Small children, lateral and lordotic views are not covered.
- A film on which nothing is flagged may still be abnormal: {not_covered} are not covered at all.
"""


def chest_card(manifest: Manifest, evaluation: ChestEvaluation) -> str:
    """The card; its figures are those of `chest_figures`."""
    shipped = evaluation.shipped
    parts = [
        cards.title(manifest),
        "## How good it is\n",
        f"Measured on {evaluation.validation_films} films of patients not used for training. Trained on "
        f"{evaluation.training_films} films; {evaluation.left_out} could not be read. Every score below was computed "
        "by the kiosk's own engine host from the kiosk's own pixels. Square brackets hold 95 % intervals: by "
        "bootstrap over patients, for counts by Wilson's method. All three forms use the same calibration and "
        "thresholds. AUROC is how often a film with the finding has a higher score than a film without it: 0.5 is "
        "chance, 1 is always.\n",
        cards.table_of_forms(_form_rows(evaluation)),
        f"Difference in mean AUROC, int8 minus float32: {cards.with_interval(shipped.int8_minus_float32)}. "
        f"{cards.timed_on(evaluation.latencies)}"
        "\n",
        cards.figure(AUROC_FILE, "AUROC of each finding with its interval, over all films and over the abnormal ones"),
        "### Each finding, int8 as shipped\n",
        _findings(evaluation),
        cards.figure(ROC_FILE, "Share found against share of false alarms, for each finding, int8 and float32"),
        "### AUROC of each finding in each form\n",
        _aurocs(shipped),
        "### Do the scores mean what they say?\n",
        _calibration(shipped),
        cards.figure(RELIABILITY_FILE, "Scores against the share of films that really had the finding"),
        "### Where the heat map points\n",
        _heat_maps(shipped),
        MADE,
        DECISIONS.format(training=evaluation.training_films, validation=evaluation.validation_films),
        URGENT,
        LIMITS.format(not_covered=", ".join(manifest.not_covered)),
        cards.sources(manifest),
    ]
    return "\n".join(parts)


def _form_rows(evaluation: ChestEvaluation) -> list[tuple[str, dict[Form, str]]]:
    shipped, seeds = evaluation.shipped, cards.of_seeds(len(evaluation.seeds))
    return [
        (f"Mean AUROC, {seeds}", {form: cards.spread(evaluation.mean_aurocs(form)) for form in Form}),
        (
            f"The same among abnormal films only, {seeds}",
            {form: cards.spread(evaluation.means_within_abnormal(form)) for form in Form},
        ),
        (
            f"Mean AUROC, seed {shipped.seed}, which ships",
            {form: cards.with_interval(scores.mean_auroc) for form, scores in shipped.forms.items()},
        ),
        (
            f"The same among abnormal films only, seed {shipped.seed}",
            {form: cards.with_interval(scores.mean_within_abnormal) for form, scores in shipped.forms.items()},
        ),
        ("Brier score (0: perfect)", {form: f"{scores.brier:.3f}" for form, scores in shipped.forms.items()}),
        ("Calibration error", {form: f"{scores.calibration_error:.3f}" for form, scores in shipped.forms.items()}),
        cards.size_row(shipped.sizes),
        *cards.latency_rows(evaluation.latencies),
    ]


def _findings(evaluation: ChestEvaluation) -> str:
    header = (
        "Finding",
        "AUROC",
        "abnormal films only",
        "in cross-validation",
        "threshold",
        "found (sensitivity)",
        "correctly not flagged (specificity)",
    )
    rows = [
        (
            chest_label(finding.label).name,
            cards.with_interval(finding.auroc),
            cards.with_interval(finding.within_abnormal),
            f"{rule.auroc:.3f}",
            f"{rule.threshold:.4f}",
            cards.counted(finding.sensitivity),
            cards.counted(finding.specificity),
        )
        for finding, rule in zip(evaluation.shipped.forms[Form.INT8].findings, evaluation.rules, strict=True)
    ]
    return cards.table(header, rows)


def _aurocs(shipped: ChestSeed) -> str:
    rows = []
    for k, finding in enumerate(shipped.forms[Form.INT8].findings):
        name = chest_label(finding.label).name
        of_form = {form: scores.findings[k] for form, scores in shipped.forms.items()}
        rows.append((name, {form: cards.with_interval(one.auroc) for form, one in of_form.items()}))
        if finding.within_abnormal is not None:
            within = {form: cards.with_interval(one.within_abnormal) for form, one in of_form.items()}
            rows.append((f"{name}, abnormal films only", within))
    return cards.table_of_forms(rows)


def _calibration(shipped: ChestSeed) -> str:
    header = ("Finding", *(f"Brier, {name}" for name in FORM_NAMES.values()), "Brier without the film", "error")
    rows = []
    for k, finding in enumerate(shipped.forms[Form.INT8].findings):
        briers = [f"{shipped.forms[form].findings[k].brier:.3f}" for form in FORM_NAMES]
        error = f"{finding.calibration_error:.3f}"
        rows.append((chest_label(finding.label).name, *briers, f"{finding.brier_of_share:.3f}", error))
    return (
        "The Brier score is the mean squared difference between the score and the truth. The last but one column is "
        "that of a model that never looks at the film and always answers how common the finding is. The error is the "
        "difference between score and truth, on average over groups of equally many films (int8); with so few films, "
        "chance alone makes it a few hundredths.\n\n" + cards.table(header, rows)
    )


def _heat_maps(shipped: ChestSeed) -> str:
    kept = (
        f"The int8 heat maps have a correlation of {shipped.maps_like_simulated:.2f} with those of the network in "
        f"simulated int8 that they were converted from, and of {shipped.maps_like_float32:.2f} with those of the "
        "float32 network.\n"
    )
    game = shipped.pointing
    if game is None:
        return kept
    return (
        f"Radiologists drew {game.boxes} boxes around covered findings on {game.films} films (validation films are "
        "read by this network, training films by the network of the fold that held them out). The hottest point of a "
        f"finding's heat map is in the box for {cards.with_interval(game.hit_rate, digits=2)} of them. A random point "
        f"would be for {game.chance:.2f}, the best fixed point, chosen from the other patients' boxes, for "
        f"{game.best_fixed_point:.2f}. A heat map shows roughly where to look, no more. {kept}"
    )
