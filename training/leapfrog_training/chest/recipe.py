"""The recipe of the package chest-findings: MobileNetV2 on frontal films.

It starts from ImageNet weights: first a penalized linear head on the frozen features, then a few epochs of training the
whole network, then a mean of the weights before and after. With few films, the whole network partly memorises them; a
network between the two is better than either (Wortsman et al., CVPR 2022). Cross-validation over the training patients
chooses how far between. Quantization-aware training then learns the outputs of that network, not the labels again.
"""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.architectures import mobilenet_v2
from leapfrog_training.chest.films import abnormal, folds_of, truth
from leapfrog_training.chest.linear_head import linear_head
from leapfrog_training.chest.loss import film_weights, weighted_loss
from leapfrog_training.datasets.chestxray14 import ChestXray14, Film
from leapfrog_training.datasets.picture_cache import cached_pictures
from leapfrog_training.datasets.splits import Fold
from leapfrog_training.evaluate.scores import mean_auroc
from leapfrog_training.files import save_array
from leapfrog_training.fitting.augmentation import Augmentation
from leapfrog_training.fitting.loop import Examples, Schedule, fit, save_weights, seed_everything
from leapfrog_training.fitting.pictures import Pictures, predictions
from leapfrog_training.fitting.quantize import convert_comparisons, fit_quantization_aware, make_int8
from leapfrog_training.fitting.resume import forget
from leapfrog_training.run.folder import Job, Run

logger = logging.getLogger(__name__)

SCHEDULE = Schedule(epochs=4, batch=16, learning_rate=1e-4)
QUANTIZED_SCHEDULE = Schedule(epochs=2, batch=16, learning_rate=2e-5)
# No mirror images: the heart is on the left. A film that shows it on the right is reversed, or of a rare patient.
AUGMENTATION = Augmentation(rotation_degrees=5, zoom=0.08, shift=0.04, contrast=0.15, brightness=0.1)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the way from the weights before to those after training

FIRST_FOLD_SEED = 100  # so that no fold has the random numbers of a seed

START, FINE_TUNED, CHOSEN = "start", "fine-tuned", "chosen"


def examples(films: tuple[Film, ...], findings: tuple[str, ...], cache: Path) -> Examples:
    """Pictures and labels of the films, in their order; the pictures lie in the folder `cache`."""
    pictures = cached_pictures([film.path for film in films], mobilenet_v2.SIDE, mobilenet_v2.SIDE, cache)
    return Examples(pictures, truth(films, findings).astype(np.float32))


def start(training: Examples, imagenet: Path) -> Any:
    """The network before its first epoch: ImageNet weights and a head fitted to their features."""
    model = mobilenet_v2.build(training.targets.shape[1])
    mobilenet_v2.load_imagenet(model, imagenet)
    (features,) = predictions(mobilenet_v2.feature_model(model), training.pictures)
    weights, bias = linear_head(features, training.targets, film_weights(training.targets))
    mobilenet_v2.set_head(model, weights, bias)
    return model


def fit_run(run: Run, data: ChestXray14, imagenet: Path) -> Run:
    """Fit every fold, choose the share of fine-tuning on their held-out films, then fit and blend every seed."""
    films = data.in_split("train")
    training = examples(films, run.notes.findings, run.pictures)
    folds = folds_of(films, run.notes.folds)
    for index, fold in enumerate(folds):
        _fit_fold(run.fold(index), training, fold, imagenet, seed=FIRST_FOLD_SEED + index)
    for seed in range(run.notes.seeds):
        _fine_tune(run.seed(seed), training, imagenet, seed)
    scores = [np.load(run.fold(index).held_out_scores) for index in range(len(folds))]
    curve = _cross_validated(training.targets, abnormal(films), folds, scores)
    share = SHARES[int(np.argmax([everywhere + within for everywhere, within in curve]))]
    logger.info("AUROC over all and over abnormal held-out films at %s: %s; chose %s", SHARES, curve, share)
    for job in run.jobs():
        _blend(job, len(run.notes.findings), share)
    return run.with_notes(
        run.notes.model_copy(
            update={"epochs": SCHEDULE.epochs, "fine_tuned_share": share, "cross_validation": tuple(curve)}
        )
    )


def quantize_run(run: Run, data: ChestXray14) -> None:
    """Make the int8 network of every seed and fold; for the seeds also in float, and quantized after training.

    For each seed it also saves the heat maps of the validation films by the network in simulated int8.
    """
    films = data.in_split("train")
    training = examples(films, run.notes.findings, run.pictures)
    shown = examples(data.in_split("test"), run.notes.findings, run.pictures).pictures
    for seed in range(run.notes.seeds):
        job = run.seed(seed)
        make_int8(job, seed, partial(_quantization_aware, job, training, seed, shown), training.pictures)
        convert_comparisons(job, partial(_load, job, len(run.notes.findings), CHOSEN), training.pictures)
    for index, fold in enumerate(folds_of(films, run.notes.folds)):
        job, fitted, seed = run.fold(index), training.at(fold.fit), FIRST_FOLD_SEED + index
        make_int8(job, seed, partial(_quantization_aware, job, fitted, seed), fitted.pictures)


def _fine_tune(job: Job, training: Examples, imagenet: Path, seed: int) -> None:
    if not job.weights(FINE_TUNED).exists():
        seed_everything(seed)
        model = start(training, imagenet)
        save_weights(model, job.weights(START))
        fit(model, training, weighted_loss(training.targets), AUGMENTATION, SCHEDULE, seed, folder=job.folder)
        save_weights(model, job.weights(FINE_TUNED))
    forget(job.folder)


def _fit_fold(job: Job, training: Examples, fold: Fold, imagenet: Path, seed: int) -> None:
    _fine_tune(job, training.at(fold.fit), imagenet, seed)
    if job.held_out_scores.exists():
        return
    held_out = training.at(fold.held_out).pictures
    scores = [predictions(_between(job, training.targets.shape[1], share), held_out)[0] for share in SHARES]
    save_array(job.held_out_scores, np.stack(scores))


def _cross_validated(
    labels: NDArray[np.float32],
    any_label: NDArray[np.bool_],
    folds: Sequence[Fold],
    scores: Sequence[NDArray[np.float32]],
) -> list[tuple[float, float]]:
    """For each share: the mean AUROC over folds and findings, for all held-out films and for the abnormal ones."""
    curve = []
    for index in range(len(SHARES)):
        everywhere, within = [], []
        for fold, of_fold in zip(folds, scores, strict=True):
            truth_of_fold, sick = labels[fold.held_out] == 1, any_label[fold.held_out]
            everywhere.append(mean_auroc(truth_of_fold, of_fold[index]))
            within.append(mean_auroc(truth_of_fold[sick], of_fold[index][sick]))
        curve.append((round(float(np.nanmean(everywhere)), 4), round(float(np.nanmean(within)), 4)))
    return curve


def _between(job: Job, findings: int, share: float) -> Any:
    """The network with weights between those before (`share` 0) and after fine-tuning (1)."""
    before, after = (_load(job, findings, name).get_weights() for name in (START, FINE_TUNED))
    model = _load(job, findings, START)
    model.set_weights([(1 - share) * early + share * late for early, late in zip(before, after, strict=True)])
    return model


def _blend(job: Job, findings: int, share: float) -> None:
    if not job.weights(CHOSEN).exists():
        save_weights(_between(job, findings, share), job.weights(CHOSEN))


def _quantization_aware(job: Job, training: Examples, seed: int, shown: Pictures | None = None) -> Any:
    """The network of a job in simulated int8, trained on the outputs of the float network."""
    teacher = _load(job, training.targets.shape[1], CHOSEN)
    logits = predictions(teacher, training.pictures)[0]
    probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
    aware = fit_quantization_aware(
        teacher,
        Examples(training.pictures, probabilities),
        weighted_loss(training.targets),
        AUGMENTATION,
        QUANTIZED_SCHEDULE,
        seed,
        job.quantized,
    )
    if shown is not None:
        save_array(job.aware_heat_maps, predictions(aware, shown)[1])
    return aware


def _load(job: Job, findings: int, name: str) -> Any:
    model = mobilenet_v2.build(findings)
    model.load_weights(job.weights(name))
    return model
