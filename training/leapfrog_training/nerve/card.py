"""`card.md` of nerve, and the line that stands first on each of its reports."""

from collections.abc import Callable

from leapfrog.evaluation.measured import Portion
from leapfrog.packages.manifest import Manifest
from leapfrog_training.datasets.nerve_picture import Source
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.nerve.evaluation import FormScores, NerveEvaluation, SetScores
from leapfrog_training.nerve.figures import DICE_FILE
from leapfrog_training.nerve.manifest import LEVEL, VESSEL
from leapfrog_training.nerve.size import HEIGHT, MASK_HEIGHT, MASK_WIDTH, WIDTH
from leapfrog_training.nerve.thresholds import FEWEST_OUTLINED, MOST_FALSE_IN_HEADS, MOST_FALSE_IN_PARTS
from leapfrog_training.packaging import cards

SET_NAMES = {
    Source.USGRA: "nerves of several regions (usgra-seg)",
    Source.KAGGLE: "the side of the neck (Kaggle)",
}
NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

MEASURED = """Measured on pictures that no network was trained on: {sets}. Trained on {training} pictures; {left_out} \
could not be read. Every mask was computed by the kiosk's own engine host from the kiosk's own pixels, and the \
outlines are those that the kiosk draws. Square brackets hold 95 % intervals: for Dice by bootstrap over groups of \
near copies (Kaggle: patients), for shares Wilson's. Dice is twice the area that outlines and annotator share, divided \
by the sum of their areas (1: identical, 0: nothing in common). All forms use the same thresholds.
"""

MADE = """## How it was made

A U-Net on {height} x {width} gray pixels of the scan, which the kiosk finds in the picture first, with masks of \
{mask_height} x {mask_width} cells. Its encoder is that of MobileNetV2 up to block 8, from ImageNet weights; the first \
three blocks keep them. It was trained on whole scans and on parts of them, with nerves and without, {heads}\
rotated, mirrored, zoomed, stretched, and in other grays. Then followed quantization-aware training, in which it \
learned to answer as its own float form does. Full int8 from input to output.

The kiosk outlines each part of the mask above {level:g} in which the mean probability reaches the threshold\
{thresholds}. The thresholds were chosen on the training pictures, each read by a network that had not seen its \
group: the highest at which {outlined:.0%} of the pictures with a nerve still had an outline, or the lowest at which \
no more than {in_parts:.0%} of the parts without a nerve and {in_heads:.0%} of the heads had one if that is higher, \
since the kiosk should rather show less. There: {chosen_on}. Seed 0 ships: it was chosen in advance, not by its score.
"""

LIMITS = """## Limits

- It is an aid for finding a nerve. It makes no diagnosis, and the outline must not guide a needle.
- {nerve_free}
- Even if nothing is outlined, there may be a nerve; what is outlined may be muscle, tendon, fat or a lymph node.
- Few pictures, of few machines, with few people's idea of where a nerve ends. The sets do not say whose pictures they \
are, so one person may be on both sides of the split, though never with near copies of one picture.
- Pictures with a wrong or missing pixel size give a wrong area or none. The sets have no pixel sizes, so no area was \
checked.
- Nothing is known of children, of injured or operated nerves, or of regions that the sets do not show.
"""

SEVERAL_REGIONS = (
    "Every picture of the set with several regions shows a nerve. Scans of these regions without one were never seen: "
    "parts cut off beside the nerves, and fetal heads, stand in their place."
)
ONE_REGION = "It was made for one place, the side of the neck above the clavicle. Elsewhere it was never tried."


def caution(evaluation: NerveEvaluation) -> str:
    """How often the shipped network is wrong, in a person's terms."""
    scores = evaluation.shipped.forms[Form.INT8].first
    wrong = "" if scores.wrong is None else f"Of ten outlines about {_of_ten(scores.wrong.value)} are wrong. "
    return f"{wrong}Of ten pictures with a nerve, about {_of_ten(1 - scores.helped.value)} get no right outline."


def nerve_card(manifest: Manifest, evaluation: NerveEvaluation) -> str:
    """The card; its figure is that of `nerve_figures`."""
    forms = evaluation.shipped.forms
    several = Source.USGRA in evaluation.sources
    parts = [
        cards.title(manifest, manifest.caution),
        "## How good it is\n",
        MEASURED.format(
            sets="; ".join(
                f"{one.pictures} of {one.patients} {'groups' if one.source is Source.USGRA else 'patients'}, "
                f"{SET_NAMES[one.source]}"
                for one in forms[Form.INT8].sets
            ),
            training=evaluation.training_pictures,
            left_out=evaluation.left_out,
        ),
        cards.table_of_forms(_rows(evaluation)),
        f"Difference in the Dice of nerves, int8 minus float32: "
        f"{cards.with_interval(evaluation.shipped.int8_minus_float32, digits=4)}. "
        f"{cards.timed_on(evaluation.latencies)}\n",
        cards.figure(DICE_FILE, "Dice of the pictures with a nerve"),
        MADE.format(
            height=HEIGHT,
            width=WIDTH,
            mask_height=MASK_HEIGHT,
            mask_width=MASK_WIDTH,
            heads="and on fetal heads as pictures without a nerve, " if Source.HEADS in evaluation.sources else "",
            thresholds=" (" + ", ".join(f"{name}: {value:g}" for name, value in evaluation.thresholds.items()) + ")",
            chosen_on=_in_short(evaluation.chosen_on),
            level=LEVEL,
            outlined=FEWEST_OUTLINED,
            in_parts=MOST_FALSE_IN_PARTS,
            in_heads=MOST_FALSE_IN_HEADS,
        ),
        LIMITS.format(nerve_free=SEVERAL_REGIONS if several else ONE_REGION),
        cards.sources(manifest),
    ]
    return "\n".join(parts)


def _rows(evaluation: NerveEvaluation) -> list[tuple[str, dict[Form, str]]]:
    seeds = cards.of_seeds(len(evaluation.seeds))
    shipped = evaluation.shipped
    rows = [
        _spread(evaluation, f"Dice of nerves, all that is outlined, {seeds}", "nerve"),
        _spread(evaluation, f"The same before the threshold, {seeds}", "mask"),
        _spread(evaluation, f"Pictures with a nerve that have an outline, {seeds}", "outlined"),
        _spread(evaluation, f"Dice of these, {seeds}", "where_outlined"),
    ]
    if VESSEL in evaluation.thresholds:
        rows.append(_spread(evaluation, f"Dice of vessels, {seeds}", "vessel"))
    for kind, name in (("parts", "Parts without a nerve"), ("heads", "Fetal heads")):
        if evaluation.false_of_seeds(kind):
            cells = {form: cards.spread(evaluation.false_of_seeds(kind, form)) for form in Form}
            rows.append((f"{name} with a nerve outlined, {seeds}", cells))
    for number, one in enumerate(shipped.forms[Form.INT8].sets):
        rows += _rows_of_set(one.source, {form: shipped.forms[form].sets[number] for form in Form})
    rows += [
        ("Parts without a nerve with one outlined", {form: _counted(shipped.forms[form].parts) for form in Form}),
        ("Fetal heads with a nerve outlined", {form: _counted(shipped.forms[form].heads) for form in Form}),
        cards.size_row(shipped.sizes),
        *cards.latency_rows(evaluation.latencies),
    ]
    return rows


def _rows_of_set(source: Source, scores: dict[Form, SetScores]) -> list[tuple[str, dict[Form, str]]]:
    """The shipped seed on one set."""

    def row(name: str, cell: Callable[[SetScores], str]) -> tuple[str, dict[Form, str]]:
        return f"{name}; shipped seed, {SET_NAMES[source]}", {form: cell(one) for form, one in scores.items()}

    rows = [
        row("Dice of nerves", lambda one: cards.with_interval(one.nerve)),
        row("Dice before the threshold", lambda one: cards.with_interval(one.mask)),
        row("Pictures with a nerve that have an outline", lambda one: cards.counted(one.outlined)),
        row("Dice of these", lambda one: cards.with_interval(one.where_outlined)),
        row("Pictures with a nerve that have a right outline", lambda one: cards.counted(one.helped)),
        row("Outlines less than half of which is nerve", lambda one: _counted(one.wrong)),
    ]
    if any(one.vessel is not None for one in scores.values()):
        rows.append(row("Dice of vessels", lambda one: cards.with_interval(one.vessel)))
    if any(one.kaggle is not None for one in scores.values()):
        rows.append(
            row("Kaggle's metric, in which an empty picture counts 1", lambda one: cards.with_interval(one.kaggle))
        )
        rows.append(row("Pictures without a nerve with one outlined", lambda one: _counted(one.empty_outlined)))
    return rows


def _spread(evaluation: NerveEvaluation, name: str, score: str) -> tuple[str, dict[Form, str]]:
    return name, {form: cards.spread(evaluation.of_seeds(score, form)) for form in Form}


def _in_short(scores: FormScores) -> str:
    first = scores.first
    told = [
        f"Dice of nerves {first.nerve.value:.3f}",
        f"outlined {cards.counted(first.outlined)}",
        f"of the outlines not nerve {_counted(first.wrong)}",
    ]
    if scores.parts is not None:
        told.append(f"parts without a nerve outlined {cards.counted(scores.parts)}")
    if scores.heads is not None:
        told.append(f"heads outlined {cards.counted(scores.heads)}")
    return "; ".join(told)


def _counted(portion: Portion | None) -> str:
    return cards.NOT_AVAILABLE if portion is None else cards.counted(portion)


def _of_ten(share: float) -> str:
    return NUMBERS[round(10 * share)]
