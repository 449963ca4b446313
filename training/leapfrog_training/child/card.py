"""`card.md` of chest-child: what it is for, how it was made and how good it is, in plain words."""

from collections.abc import Callable

from leapfrog.evaluation.measured import Bounds
from leapfrog.packages.manifest import Manifest
from leapfrog_training.child.evaluation import (
    FURTHEST_FROM_CHANCE,
    LEAST_AUROC_CHANGED,
    MOST_FALSE_ALARMS,
    SENSITIVITY,
    ChildEvaluation,
    ChildSeed,
    FormScores,
)
from leapfrog_training.child.figures import CONTROLS_FILE, ROC_FILE
from leapfrog_training.child.manifest import NOT_SHOWN
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.packaging import cards

FIRST_LINES = (
    "No hospital outside its training data tested this version: all its films are of one hospital, in Guangzhou.",
    "Leaving one source out of the training is not possible with one source, so nothing is known of other hospitals' "
    "films; expect it to be worse there.",
)

MADE = """## How it was made

MobileNetV2 1.0 on 160 x 160 gray pixels of the exposed field, started from ImageNet weights, then \
quantization-aware training. Full int8 from input to output. It has no heat map: nobody has drawn on such films where \
the pneumonia is, so nobody could say whether a map points to it.

In this set sick and healthy children differ in more than the lungs. Every film trained on was made from films of \
several children: in three of five the lungs of one child are in the frame of another, sick or healthy by chance; four \
of five have another film's grays; half are blurred a little; in one of four the lungs are hidden, and the right \
answer is one half.

Seed 0 ships: it was chosen in advance, not by its score. One training child in five was held out from fitting; these \
films set calibration and threshold. The parts of the recipe were compared on one or two folds \
of the training children, with one seed each. No patient group is on both sides of any split.
"""

LIMITS = """## Limits

- One hospital, children of 1 to 5 completed years, AP films at small size; healthy films there were taken for other \
reasons than sick children's.
- The controls are strict, but the network was trained on made-up films like some of them (lungs in another frame, \
other grays, lungs under ellipses and other patches). They cannot replace another hospital's films.
- Almost three of four films of the set show pneumonia, far more than in a clinic; the scores are calibrated to the set.
- It does not look for anything else: {not_covered}.
- A film on which nothing is flagged may still be abnormal.
"""


def child_card(manifest: Manifest, evaluation: ChildEvaluation) -> str:
    """The card; its figures are those of `child_figures`."""
    shipped = evaluation.shipped
    parts = [
        cards.title(manifest, *FIRST_LINES),
        *([] if evaluation.looks_at_lungs else [f"**{NOT_SHOWN}**\n"]),
        "## How good it is\n",
        f"Measured on {evaluation.validation_films} films of {evaluation.validation_groups} groups of other children "
        f"of the same hospital. Trained on {evaluation.training_films} films; {evaluation.held_out_films} more set the "
        f"threshold; {evaluation.left_out} could not be read. Every score was computed by the kiosk's own engine host "
        "from the kiosk's own pixels. Square brackets hold 95 % intervals: by bootstrap over patient groups, for "
        "counts by Wilson's method. AUROC is how often a film with pneumonia has a higher score than a healthy "
        "child's: 0.5 is chance, 1 is always.\n",
        cards.table_of_forms(_form_rows(evaluation)),
        f"Difference in AUROC, int8 minus float32: {cards.with_interval(shipped.int8_minus_float32)}. "
        f"{cards.timed_on(evaluation.latencies)}\n",
        _threshold(shipped),
        cards.figure(ROC_FILE, "Share found against share of false alarms, int8 and float32"),
        "### Does it look at the lungs?\n",
        _controls(evaluation),
        cards.figure(CONTROLS_FILE, "AUROC of films shown as they are and in each control"),
        "### Does it answer the same if a film is changed?\n",
        _changes(evaluation),
        MADE,
        _urgent(evaluation),
        LIMITS.format(not_covered=", ".join(name[0].lower() + name[1:] for name in manifest.not_covered)),
        cards.sources(manifest),
    ]
    return "\n".join(parts)


def _form_rows(evaluation: ChildEvaluation) -> list[tuple[str, dict[Form, str]]]:
    shipped, seeds = evaluation.shipped, cards.of_seeds(len(evaluation.seeds))

    def of_forms(bounds_of: Callable[[FormScores], Bounds]) -> dict[Form, str]:
        return {form: cards.with_interval(bounds_of(scores)) for form, scores in shipped.forms.items()}

    return [
        (f"AUROC, {seeds}", {form: cards.spread(evaluation.aurocs(form)) for form in Form}),
        (f"AUROC, seed {shipped.seed}, which ships", of_forms(lambda scores: scores.all.auroc)),
        ("the same, bacterial pneumonia against healthy", of_forms(lambda scores: scores.bacterial)),
        ("the same, viral pneumonia against healthy", of_forms(lambda scores: scores.viral)),
        ("Brier score (0: perfect)", {form: f"{scores.all.brier:.3f}" for form, scores in shipped.forms.items()}),
        cards.size_row(shipped.sizes),
        *cards.latency_rows(evaluation.latencies),
    ]


def _threshold(shipped: ChildSeed) -> str:
    scores = shipped.forms[Form.INT8].all
    return (
        f"The threshold is the highest that finds {SENSITIVITY:.0%} of the pneumonias among the children held out from "
        "fitting. (First it was the lowest that flags 3 % of the healthy ones among them. That flagged three times "
        "this share of the healthy validation children, so this decision was made after seeing their scores.)\n\n"
        + cards.table(
            ("Children", "with pneumonia, flagged", "healthy, not flagged"),
            [
                (
                    "held out from fitting, from whom the threshold is",
                    cards.counted(shipped.held_out_sensitivity),
                    cards.counted(shipped.held_out_specificity),
                ),
                ("validation", cards.counted(scores.sensitivity), cards.counted(scores.specificity)),
            ],
        )
        + f"\nAt the threshold that would find {SENSITIVITY:.0%} of the pneumonias among the validation children, "
        f"{shipped.false_alarms_compared:.1%} of the healthy ones are flagged.\n"
    )


def _controls(evaluation: ChildEvaluation) -> str:
    shipped = evaluation.shipped
    plain = shipped.forms[Form.INT8].all
    healthy = plain.specificity
    as_they_are = (
        "as they are",
        cards.with_interval(plain.auroc),
        cards.spread(evaluation.aurocs(Form.INT8)),
        cards.counted(plain.sensitivity),
        f"{healthy.of - healthy.hits} of {healthy.of}: {1 - healthy.value:.2f} "
        f"[{1 - healthy.high:.2f} to {1 - healthy.low:.2f}]",
    )
    rows = [
        (
            name,
            cards.with_interval(shown.auroc),
            cards.spread([seed.controls[name].auroc.value for seed in evaluation.seeds]),
            cards.counted(shown.sensitivity),
            cards.counted(shown.false_alarms),
        )
        for name, shown in shipped.controls.items()
    ]
    header = ("Films shown", "AUROC, int8 as shipped", "all seeds", "sick flagged", "healthy flagged")
    return (
        "A network that looks at the lungs alone cannot tell films apart whose lungs are masked (two ellipses, filled "
        "with the mean gray) or of which only the border is left: there, AUROC should be near 0.5. What is flagged "
        "there means nothing: a network that cannot see the lungs may call every film. It should answer as before if a "
        "film is given the grays of the other kind of film, or if the "
        "lungs are put into a film of the other kind.\n\n" + cards.table(header, [as_they_are, *rows])
    )


def _changes(evaluation: ChildEvaluation) -> str:
    header = ("Change", "sensitivity", "specificity")
    rows = [
        (name, cards.difference(changed.sensitivity), cards.difference(changed.specificity))
        for name, changed in evaluation.changes.items()
    ]
    return "Differences from the same films as they are, int8 as shipped.\n\n" + cards.table(header, rows)


def _urgent(evaluation: ChildEvaluation) -> str:
    limits = (
        f"with masked lungs an AUROC of {0.5 - FURTHEST_FROM_CHANCE:.2f} to {0.5 + FURTHEST_FROM_CHANCE:.2f}, with the "
        f"grays or in the frame of the other kind at least {LEAST_AUROC_CHANGED:.2f} and at most "
        f"{MOST_FALSE_ALARMS:.0%} of healthy children flagged"
    )
    if evaluation.looks_at_lungs:
        told = f"A pneumonia is marked urgent: every seed keeps the limits set for that in advance ({limits})."
    else:
        told = f"Nothing is marked urgent, since not every seed keeps the limits set for that in advance ({limits})."
    return f"## Urgent findings\n\n{told}\n"
