"""`card.md` of brachial-plexus."""

from leapfrog.packages.manifest import Manifest
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.nerve.evaluation import NerveEvaluation
from leapfrog_training.nerve.figures import DICE_FILE
from leapfrog_training.packaging import cards

MADE = """## How it was made

A U-Net on 128 x 192 gray pixels with a mask of half that size. Its encoder is that of MobileNetV2, from ImageNet \
weights. It was trained on pictures with and without a nerve, followed by quantization-aware training. Full int8 from \
input to output. The kiosk outlines the largest part of the mask and measures the area inside.

One training patient in five was held out from fitting. These patients decided when to stop the training, and set the \
threshold, which applies to the mean probability inside the outline. No patient is on both sides. Seed 0 ships: it was \
chosen in advance, not by its score.

## Limits

- It was made for one place, the side of the neck above the clavicle. A machine's preset only says that nerves are \
examined: elsewhere the model outlines whatever looks most like the brachial plexus.
- Even if nothing is outlined, there may be a nerve. The outline must not guide a needle.
- Annotators disagree about these nerves, and the set has nearly identical pictures with and without a drawn nerve.
- Pictures with a wrong or missing pixel size give a wrong area or none.
"""


def nerve_card(manifest: Manifest, evaluation: NerveEvaluation) -> str:
    """The card; its figure is that of `nerve_figures`."""
    shipped = evaluation.shipped
    parts = [
        cards.title(manifest),
        "## How good it is\n",
        f"Measured on {evaluation.held_out_pictures} pictures of {evaluation.held_out_patients} patients not used "
        f"for training. Trained on {evaluation.training_pictures} pictures; {evaluation.left_out} could not be read. "
        "Every mask was computed by the kiosk's own engine host from the kiosk's own pixels. The Kaggle metric is "
        "the mean Dice over all pictures, where a picture without a nerve counts 1 if nothing is outlined: a model "
        f"that never outlines anything would reach {evaluation.nothing_anywhere:.3f}. Square brackets hold 95 % "
        "intervals, by bootstrap over patients.\n",
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
