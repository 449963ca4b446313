"""The recipe of the package chest-findings: MobileNetV2 on frontal films. Runs on the training machine only.

From ImageNet weights, the head started from a linear model on the frozen features, then a few epochs of everything.
More epochs learn the films by heart: the number is chosen by cross-validation over the training patients.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.architectures import mobilenet_v2
from leapfrog_training.augmentation import Augmentation
from leapfrog_training.chest.films import folds_of, truth
from leapfrog_training.datasets.chestxray14 import ChestXray14, Film
from leapfrog_training.datasets.splits import Fold
from leapfrog_training.fitting import Examples, Schedule, fit, seed_everything
from leapfrog_training.keras import tf, tf_keras
from leapfrog_training.pictures import model_inputs, scaled
from leapfrog_training.quantize import (
    convert_float,
    convert_int8,
    fit_quantization_aware,
    representative_inputs,
)
from leapfrog_training.runs import Job, Run, write_atomically
from leapfrog_training.scores import auroc

logger = logging.getLogger(__name__)

SCHEDULE = Schedule(epochs=4, batch=16, learning_rate=1e-4)
QUANTIZED_SCHEDULE = Schedule(epochs=2, batch=16, learning_rate=2e-5)
AUGMENTATION = Augmentation(rotation_degrees=5, zoom=0.08, shift=0.04, contrast=0.15, brightness=0.1)

FIRST_FOLD_SEED = 100  # so that no fold shares its chance with a seed

HEAD_STEPS = 400
HEAD_LEARNING_RATE = 3e-3
HEAD_PENALTY = 1.0  # on the squared weights for standardized features; .1 to 8 were compared by cross-validation


def examples(films: tuple[Film, ...], findings: tuple[str, ...]) -> Examples:
    """Pictures and labels of the films, in their order."""
    pictures = model_inputs([film.path for film in films], mobilenet_v2.SIDE, mobilenet_v2.SIDE)
    return Examples(pictures, truth(films, findings).astype(np.float32))


def weighted_loss(labels: NDArray[np.float32]) -> Any:
    """Cross-entropy in which a positive of a rare finding counts by the square root of its rarity."""
    positives = labels.sum(axis=0)
    weights = tf.constant(np.sqrt((len(labels) - positives) / np.maximum(positives, 1.0)).astype(np.float32))

    def loss(truth: Any, logits: Any) -> Any:
        return tf.reduce_mean(tf.nn.weighted_cross_entropy_with_logits(truth, logits, weights))

    return loss


def start(training: Examples, imagenet: Path) -> Any:
    """The network before its first epoch: ImageNet weights and a head fitted to their features."""
    model = mobilenet_v2.build(training.targets.shape[1])
    mobilenet_v2.load_imagenet(model, imagenet)
    features = mobilenet_v2.feature_model(model).predict(scaled(training.pictures), batch_size=16, verbose=0)
    weights, bias = linear_head(features, training.targets)
    mobilenet_v2.set_head(model, weights, bias)
    return model


def linear_head(
    features: NDArray[np.float32], labels: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Penalized logistic regression of each finding on the features: weights (features, findings), bias (findings,)."""
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    standardized = tf.constant((features - mean) / spread)
    weights = tf.Variable(tf.zeros([features.shape[1], labels.shape[1]]))
    bias = tf.Variable(tf.zeros([labels.shape[1]]))
    loss = weighted_loss(labels)
    optimizer = tf_keras.optimizers.legacy.Adam(HEAD_LEARNING_RATE)

    def step() -> None:
        with tf.GradientTape() as tape:
            penalty = HEAD_PENALTY * tf.reduce_sum(tf.square(weights)) / labels.shape[1]
            value = loss(tf.constant(labels), standardized @ weights + bias) + penalty
        optimizer.apply_gradients(zip(tape.gradient(value, [weights, bias]), [weights, bias], strict=True))

    traced_step = tf.function(step)
    for _ in range(HEAD_STEPS):
        traced_step()
    scaled_weights = weights.numpy().astype(np.float64) / spread[:, np.newaxis]
    return scaled_weights, bias.numpy().astype(np.float64) - mean @ scaled_weights


def fit_run(run: Run, data: ChestXray14, imagenet: Path) -> Run:
    """Fit every fold, choose the number of epochs by the films they held out, then fit every seed for as long."""
    films = data.in_split("train")
    training = examples(films, run.notes.findings)
    folds = folds_of(films, run.notes.folds)
    for index, fold in enumerate(folds):
        _fit_fold(run.fold(index), training, fold, imagenet, seed=FIRST_FOLD_SEED + index)
    scores = [np.load(run.fold(index).held_out_scores) for index in range(len(folds))]
    curve = tuple(
        round(
            float(
                np.mean(
                    [_mean_auroc(training.targets[f.held_out], s[epoch]) for f, s in zip(folds, scores, strict=True)]
                )
            ),
            4,
        )
        for epoch in range(SCHEDULE.epochs + 1)
    )
    run = run.with_notes(
        run.notes.model_copy(update={"epochs": 1 + int(np.argmax(curve[1:])), "cross_validation": curve})
    )
    logger.info("held-out mean AUROC after each epoch: %s; %d epochs chosen", curve, run.epochs)
    for seed in range(run.notes.seeds):
        _fit_seed(run.seed(seed), training, run.epochs, imagenet, seed)
    return run


def quantize_run(run: Run, data: ChestXray14) -> None:
    """Make the int8 network of every seed and fold; for the seeds also float, and quantized after training."""
    films = data.in_split("train")
    training = examples(films, run.notes.findings)
    for seed in range(run.notes.seeds):
        _quantize_job(run.seed(seed), training, run.epochs, seed)
        _convert_comparisons(run.seed(seed), training, run.epochs)
    for index, fold in enumerate(folds_of(films, run.notes.folds)):
        _quantize_job(run.fold(index), _part(training, fold.fit), run.epochs, FIRST_FOLD_SEED + index)


def _part(training: Examples, positions: NDArray[np.intp]) -> Examples:
    return Examples(training.pictures[positions], training.targets[positions])


def _fit_fold(job: Job, training: Examples, fold: Fold, imagenet: Path, seed: int) -> None:
    if job.held_out_scores.exists():
        return
    inputs = scaled(training.pictures[fold.held_out])
    seed_everything(seed)
    part = _part(training, fold.fit)
    model = start(part, imagenet)
    first_scores = model.predict(inputs, batch_size=16, verbose=0)[0]

    def after_epoch(epoch: int) -> None:
        model.save_weights(job.weights(epoch))
        np.save(job.held_out_scores_after(epoch), model.predict(inputs, batch_size=16, verbose=0)[0])

    fit(model, part, weighted_loss(part.targets), AUGMENTATION, SCHEDULE, seed, after_epoch, folder=job.folder)
    later_scores = [np.load(job.held_out_scores_after(epoch)) for epoch in range(1, SCHEDULE.epochs + 1)]
    np.save(job.held_out_scores, np.stack([first_scores, *later_scores]))


def _fit_seed(job: Job, training: Examples, epochs: int, imagenet: Path, seed: int) -> None:
    if job.weights(epochs).exists():
        return
    seed_everything(seed)
    model = start(training, imagenet)
    fit(
        model,
        training,
        weighted_loss(training.targets),
        AUGMENTATION,
        SCHEDULE,
        seed,
        stop_after=epochs,
        folder=job.folder,
    )
    model.save_weights(job.weights(epochs))


def _quantize_job(job: Job, training: Examples, epochs: int, seed: int) -> None:
    if job.int8.exists():
        return
    seed_everything(seed)
    loss = weighted_loss(training.targets)
    aware = fit_quantization_aware(_load(job, training, epochs), training, loss, AUGMENTATION, QUANTIZED_SCHEDULE, seed)
    write_atomically(job.int8, convert_int8(aware, representative_inputs(scaled(training.pictures))))


def _convert_comparisons(job: Job, training: Examples, epochs: int) -> None:
    if job.ptq.exists():
        return
    model = _load(job, training, epochs)
    write_atomically(job.float32, convert_float(model))
    write_atomically(job.ptq, convert_int8(model, representative_inputs(scaled(training.pictures))))


def _load(job: Job, training: Examples, epochs: int) -> Any:
    tf_keras.backend.clear_session()
    model = mobilenet_v2.build(training.targets.shape[1])
    model.load_weights(job.weights(epochs))
    return model


def _mean_auroc(labels: NDArray[np.float32], scores: NDArray[np.float32]) -> float:
    return float(np.nanmean([auroc(labels[:, k] == 1, scores[:, k]) for k in range(labels.shape[1])]))
