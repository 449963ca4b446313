"""`card.md` of brachial-plexus."""

from leapfrog.packages.manifest import Manifest
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.nerve.evaluation import NerveEvaluation
from leapfrog_training.nerve.figures import DICE_FILE
from leapfrog_training.packaging import cards

MADE = """## How it was made

A U-Net on 128 x 192 gray pixels with a mask of half that size, its way down that of MobileNetV2 from ImageNet \
weights, trained on pictures with and without a nerve, then quantization-aware \
training. Full int8 from input to output. The kiosk outlines the largest part of the mask and \
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


def nerve_card(manifest: Manifest, evaluation: NerveEvaluation) -> str:
    """The card; its figure is that of `nerve_figures`."""
    shipped = evaluation.shipped
    parts = [
        cards.title(manifest),
        "## What it is worth\n",
        f"Measured on {evaluation.held_out_pictures} pictures of {evaluation.held_out_patients} other patients; "
        f"{evaluation.training_pictures} pictures were trained on, {evaluation.left_out} could not be read. Every mask "
        "came from the kiosk's own engine host on the kiosk's own pixels. The Kaggle metric is the mean Dice of all "
        "pictures, where one without a nerve counts 1 when nothing is outlined: a model that never outlines anything "
        f"would reach {evaluation.nothing_anywhere:.3f}. In square brackets: 95 % intervals over patients by "
        "bootstrap.\n",
        cards.table_of_forms(
            [
                (
                    f"Kaggle metric, {cards.of_seeds(len(evaluation.seeds))}",
                    {form: cards.spread([seed.forms[form].kaggle.value for seed in evaluation.seeds]) for form in Form},
                ),
                (
                    "Kaggle metric, the seed that ships",
                    {form: cards.with_interval(shipped.forms[form].kaggle) for form in Form},
                ),
                (
                    "Dice where a nerve was drawn, the seed that ships",
                    {form: cards.with_interval(shipped.forms[form].non_empty) for form in Form},
                ),
                cards.size_row(shipped.sizes),
                *cards.latency_rows(evaluation.latencies),
            ]
        ),
        f"{cards.timed_on(evaluation.latencies)}\n",
        cards.figure(DICE_FILE, "Dice of the pictures with a nerve"),
        MADE,
        cards.sources(manifest),
    ]
    return "\n".join(parts)
