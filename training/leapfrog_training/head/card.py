"""`card.md` of fetal-head: what it is for, how it was made and how good it is, in plain words."""

from leapfrog.packages.manifest import Manifest
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.head.evaluation import HeadEvaluation
from leapfrog_training.head.figures import CIRCUMFERENCE_FILE, DICE_FILE
from leapfrog_training.packaging import cards

MADE = """## How it was made

A U-Net on 128 x 192 gray pixels with a mask of 64 x 96. Its encoder is that of MobileNetV2, from ImageNet weights. It \
was trained with rotation, mirror images, zoom, changes of contrast and shading, and black rectangles, followed by \
quantization-aware training. Full int8 from input to output. The kiosk fits one ellipse to the edge of the mask, where \
steeper parts of the edge count more, and measures its circumference.

The training masks end at the middle of the drawn outline. The drawn outlines run beside the ellipses whose \
circumference the data set states: perfect masks of them measure 0.65 mm too much. So the kiosk does not measure where \
the mask crosses one half but a little further in, at the level at which the training pictures have no bias: \
{level:.2f}.
"""

DECISIONS = """## Which pictures each decision was based on

| decision | based on |
| --- | --- |
| weights of the network, ranges of its int8 numbers | the {training} training pictures; no subject is on both sides |
| the level at which the outline is measured | int8 answers for training pictures |
| the line that corrects the circumference | int8 answers for training pictures |
| to average over mirror images, which of them count, how near to the edge a head is not whole | the validation \
pictures of the first network |
| the threshold: the agreement of mask and ellipse that 99 % of the training pictures reach | int8 answers for \
training pictures |
| which seed ships | chosen in advance: seed 0 |
| to measure at such a level at all | training subjects showed that perfect masks measure too much; the level was \
added after the first version had been scored once without it |
| how the ellipse weighs the edge of the mask | a held-out fold of the training subjects |
| the learning rate of quantization-aware training | lowered after one seed had lost a validation picture that \
its float form outlines |
| how much pictures are zoomed in training | more zoom was tried too, scored lower on the validation pictures, and was \
undone |
| every number under "How good it is" | the {validation} validation pictures, of subjects that no network saw; \
the decisions above make them a little too good |
"""

LIMITS = """## Limits

- One hospital, one standard plane, pictures at half resolution. Other planes are not covered: the model outlines \
what looks most like a head.
- Pictures with a wrong or missing pixel size give a wrong circumference or none.
- Twins and growth disorders were not studied.
"""


def head_card(manifest: Manifest, evaluation: HeadEvaluation) -> str:
    """The card; its figures are those of `head_figures`."""
    shipped = evaluation.shipped
    scores = shipped.forms[Form.INT8]
    parts = [
        cards.title(manifest),
        "## How good it is\n",
        f"Measured on {evaluation.validation_pictures} pictures of {evaluation.validation_subjects} subjects not "
        f"used for training. Trained on {evaluation.training_pictures} pictures; {evaluation.left_out} could not be "
        "read. Every mask was computed by the kiosk's own engine host from the kiosk's own pixels, and measured by "
        "the kiosk's own code. Square brackets hold 95 % intervals, by bootstrap over subjects. Dice compares the "
        "ellipse that the kiosk draws with the annotator's filled outline, as in HC18's own challenge: twice the "
        "area that they share, divided by the sum of their areas (1: identical). The Dice of the mask, cut at one "
        "half, to which the ellipse is fitted, is given too. All forms use the same level and threshold.\n",
        cards.table_of_forms(_form_rows(evaluation)),
        f"Difference in Dice, int8 minus float32: {cards.with_interval(shipped.int8_minus_float32, digits=4)}. "
        f"{cards.timed_on(evaluation.latencies)}\n",
        f"Of {evaluation.validation_pictures} pictures, {scores.not_measured} were not measured: the kiosk then says "
        "so instead of giving an unreliable number.\n",
        f"Of {shipped.cut_pictures} validation pictures in which the head was cut by 5 to 50 % of its extent, by a "
        f"side of the picture or by a slanted edge, {shipped.cut_measured} were measured; the others were named.\n",
        cards.figure(DICE_FILE, "Number of pictures by Dice"),
        cards.figure(CIRCUMFERENCE_FILE, "Error of the head circumference by its size, with the limits of agreement"),
        MADE.format(level=shipped.level, offset=shipped.offset_mm, slope=shipped.slope),
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
            "Median error; 95th percentile, mm",
            {
                form: f"{scores.median_absolute_error_mm:.2f}; {scores.percentile_95_absolute_error_mm:.1f}"
                for form, scores in forms.items()
            },
        ),
        ("Mean signed error, mm", {form: f"{scores.mean_error_mm:+.2f}" for form, scores in forms.items()}),
        ("Pictures not measured", {form: str(scores.not_measured) for form, scores in forms.items()}),
        cards.size_row(shipped.sizes),
        *cards.latency_rows(evaluation.latencies),
    ]
