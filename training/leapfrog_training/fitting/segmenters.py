"""What the recipes of segmenters have in common: the network, the loss, and how a run's networks are fitted."""

from functools import partial
from pathlib import Path
from typing import Any

from leapfrog_training.architectures import mobile_unet, mobilenet_v2
from leapfrog_training.fitting.augmentation import Augmentation
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.loop import EarlyStopping, Schedule, fit, save_weights, seed_everything
from leapfrog_training.fitting.quantize import convert_comparisons, fit_quantization_aware, make_int8
from leapfrog_training.fitting.resume import forget
from leapfrog_training.keras import tf
from leapfrog_training.run.folder import Job, Run

FLOAT = "float"  # the name of the weights file after training in float


def loss(masks: Any, logits: Any) -> Any:
    """Cross-entropy of the cells plus the soft Dice loss of each picture (Milletari et al., 3DV 2016)."""
    entropy = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=masks, logits=logits))
    mask = tf.sigmoid(logits)
    overlap = tf.reduce_sum(masks * mask, axis=[1, 2, 3])
    total = tf.reduce_sum(masks * masks + mask * mask, axis=[1, 2, 3])
    return entropy + tf.reduce_mean(1.0 - 2.0 * overlap / (total + 1.0))


def fit_seeds(
    run: Run,
    imagenet: Path,
    training: Examples,
    augmentation: Augmentation,
    schedule: Schedule,
    early_stopping: EarlyStopping | None = None,
) -> Run:
    """Fit the float network of every seed, from the ImageNet weights of Coral's file."""
    for seed in range(run.notes.seeds):
        job = run.seed(seed)
        if not job.weights(FLOAT).exists():
            seed_everything(seed)
            model = mobile_unet.build()
            mobilenet_v2.load_imagenet(model, imagenet)
            fit(model, training, loss, augmentation, schedule, seed, early_stopping=early_stopping, folder=job.folder)
            save_weights(model, job.weights(FLOAT))
        forget(job.folder)
    return run.with_notes(run.notes.model_copy(update={"epochs": schedule.epochs}))


def quantize_seeds(run: Run, training: Examples, augmentation: Augmentation, schedule: Schedule) -> None:
    """Make the int8 network of every seed, and beside it the float one and one quantized after training."""
    for seed in range(run.notes.seeds):
        job = run.seed(seed)
        make_int8(job, seed, partial(_aware, job, training, augmentation, schedule, seed), training.pictures)
        convert_comparisons(job, partial(_trained, job), training.pictures)


def _aware(job: Job, training: Examples, augmentation: Augmentation, schedule: Schedule, seed: int) -> Any:
    return fit_quantization_aware(_trained(job), training, loss, augmentation, schedule, seed, job.quantized)


def _trained(job: Job) -> Any:
    model = mobile_unet.build()
    model.load_weights(job.weights(FLOAT))
    return model
