"""`card.md` of fetal-head: what it is for, what it was made from and what it is worth, in plain words."""

from leapfrog.packages.manifest import Manifest
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.head.evaluation import HeadEvaluation
from leapfrog_training.head.figures import CIRCUMFERENCE_FILE, DICE_FILE
from leapfrog_training.packaging import cards

MADE = """## How it was made

A U-Net on 128 x 192 gray pixels with a mask of 64 x 96, its way down that of MobileNetV2 from ImageNet weights, \
trained with turns, mirror images, zoom, other contrast and shading and black rectangles, then quantization-aware \
training. Full int8 from input to output. The kiosk fits one ellipse \
to the edge of the mask, which counts the more the steeper it is there, and measures its circumference.

The mask to learn ends at the middle of the drawn outline. The drawn outlines run beside the ellipses whose \
circumference the data set states: perfect masks of them measure 0.65 mm too much. So the line that is measured is \
not drawn where the mask crosses one half but a little further in, at the level at which the training pictures carry \
no bias: {level:.2f}.
"""

DECISIONS = """## Which decision saw which pictures

| decision | made on |
| --- | --- |
| weights of the network, ranges of its int8 numbers | the {training} training pictures; no subject is on both sides |
| the level at which the outline is measured | int8 answers for training pictures |
| the threshold: the agreement of mask and ellipse that 99 % of the training pictures reach | int8 answers for \
training pictures |
| which seed ships | named beforehand: seed 0 |
| that there is a level at all | that perfect masks measure too much was seen on training subjects; the level came in \
after the first version had been scored once without it |
| how the ellipse weighs the edge of the mask | a held-out fold of the training subjects |
| the learning rate of quantization-aware training | lowered after one seed had lost a validation picture that \
its float form outlines |
| how far pictures are zoomed in training | more of it was trained too, scored lower on the validation pictures, \
and was taken back |
| every number under "What it is worth" | the {validation} validation pictures, of subjects that no network saw; \
by the two decisions above they are a little flattered |
"""

LIMITS = """## Limits

- One hospital, one standard plane, pictures at half resolution. Other planes are not covered: the model outlines \
what looks most like a head.
- Pictures with a wrong or missing pixel size give a wrong circumference or none.
- Twins, growth disorders and heads partly outside of the picture were not studied.
"""


def head_card(manifest: Manifest, evaluation: HeadEvaluation) -> str:
    """The card; its figures are those of `head_figures`."""
    shipped = evaluation.shipped
    scores = shipped.forms[Form.INT8]
    parts = [
        cards.title(manifest),
        "## What it is worth\n",
        f"Measured on {evaluation.validation_pictures} pictures of {evaluation.validation_subjects} other subjects; "
        f"{evaluation.training_pictures} pictures were trained on, {evaluation.left_out} could not be read. Every mask "
        "came from the kiosk's own engine host on the kiosk's own pixels, and was measured by the kiosk's own code. In "
        "square brackets: 95 % intervals over subjects by bootstrap. Dice is twice the area that the ellipse which the "
        "kiosk draws and the annotator's filled outline share, over the sum of both (1: the same), as HC18's own "
        "challenge compares ellipses; that of the mask, cut at one half, to which the ellipse is fitted, is given "
        "beside it. All forms are read with one level and threshold.\n",
        cards.table_of_forms(_form_rows(evaluation)),
        f"int8 less float32 in Dice: {cards.with_interval(shipped.int8_minus_float32, digits=4)}. "
        f"{cards.timed_on(evaluation.latencies)}\n",
        f"Of {evaluation.validation_pictures} pictures {scores.not_measured} were not measured: the kiosk says so "
        "instead of giving a number that it does not trust.\n",
        cards.figure(DICE_FILE, "How many pictures reach which Dice"),
        cards.figure(CIRCUMFERENCE_FILE, "Error of the head circumference over its size, with the limits of agreement"),
        MADE.format(level=shipped.level),
        DECISIONS.format(training=evaluation.training_pictures, validation=evaluation.validation_pictures),
        LIMITS,
        cards.sources(manifest),
    ]
    return "\n".join(parts)


def _form_rows(evaluation: HeadEvaluation) -> list[tuple[str, dict[Form, str]]]:
    shipped, seeds = evaluation.shipped, cards.of_seeds(len(evaluation.seeds))
    forms = shipped.forms
    return [
        (f"Dice, {seeds}", {form: cards.spread(evaluation.dices(form), digits=4) for form in Form}),
        (
            f"Mean error of the circumference, mm, {seeds}",
            {form: cards.spread(evaluation.absolute_errors_mm(form), digits=2) for form in Form},
        ),
        (
            f"Dice, seed {shipped.seed}, which ships",
            {form: cards.with_interval(scores.dice, digits=4) for form, scores in forms.items()},
        ),
        (f"Dice of the mask, {seeds}", {form: cards.spread(evaluation.mask_dices(form), digits=4) for form in Form}),
        (
            f"Mean error of the circumference, mm, seed {shipped.seed}",
            {form: cards.with_interval(scores.absolute_error_mm, digits=2) for form, scores in forms.items()},
        ),
        (
            "Its median; the error that 95 % stay below, mm",
            {
                form: f"{scores.median_absolute_error_mm:.2f}; {scores.percentile_95_absolute_error_mm:.1f}"
                for form, scores in forms.items()
            },
        ),
        ("Mean error with its sign, mm", {form: f"{scores.mean_error_mm:+.2f}" for form, scores in forms.items()}),
        ("Pictures not measured", {form: str(scores.not_measured) for form, scores in forms.items()}),
        cards.size_row(shipped.sizes),
        *cards.latency_rows(evaluation.latencies),
    ]
