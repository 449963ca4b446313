"""The recipe of the package chest-child: MobileNetV2 from ImageNet weights, trained on the films of `mixing.py`.

Quantization-aware training then learns the outputs of the float network on such films, not the labels again.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from leapfrog_training.architectures import mobilenet_v2
from leapfrog_training.child.mixing import made_up_examples
from leapfrog_training.child.sides import training_sides
from leapfrog_training.datasets.children_kermany import ChildrenKermany
from leapfrog_training.datasets.picture_cache import cached_pictures
from leapfrog_training.fitting.augmentation import Augmentation
from leapfrog_training.fitting.loop import Examples, Schedule, fit, save_weights, seed_everything
from leapfrog_training.fitting.pictures import predictions
from leapfrog_training.fitting.quantize import convert_comparisons, fit_quantization_aware, make_int8
from leapfrog_training.fitting.resume import forget
from leapfrog_training.keras import tf, tf_keras
from leapfrog_training.run.folder import Job, Run

SIDE = 160  # pixels
FILMS_MADE = 2800  # in an epoch in float
FILMS_QUANTIZED = 1400  # in an epoch of quantization-aware training: ranges need fewer films than weights
SCHEDULE = Schedule(epochs=3, batch=16, learning_rate=1e-4)
QUANTIZED_SCHEDULE = Schedule(epochs=1, batch=16, learning_rate=2e-5)
# No mirror images: the heart is on the left.
AUGMENTATION = Augmentation(rotation_degrees=5, zoom=0.15, shift=0.06, contrast=0.15, brightness=0.1)

FLOAT = "float"  # the name of the weights file after training in float


def network() -> Any:
    """The network without its maps: (batch, side, side, 1) in [-1, 1] to logits (batch, 1)."""
    with_maps = mobilenet_v2.build(1, SIDE)
    return tf_keras.Model(with_maps.input, with_maps.outputs[0], name=with_maps.name)


def loss(targets: Any, logits: Any) -> Any:
    """Cross-entropy; the targets are answers or chances."""
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits))


def fit_run(run: Run, data: ChildrenKermany, imagenet: Path) -> Run:
    """Fit every seed to films made from those of the fitted children."""
    for seed in range(run.notes.seeds):
        job = run.seed(seed)
        if not job.weights(FLOAT).exists():
            seed_everything(seed)
            model = network()
            mobilenet_v2.load_imagenet(model, imagenet)
            fit(model, _examples(run, data, FILMS_MADE, seed), loss, AUGMENTATION, SCHEDULE, seed, folder=job.folder)
            save_weights(model, job.weights(FLOAT))
        forget(job.folder)
    return run.with_notes(run.notes.model_copy(update={"epochs": SCHEDULE.epochs}))


def quantize_run(run: Run, data: ChildrenKermany) -> None:
    """Make the int8 network of every seed, and those to compare it with."""
    for seed in range(run.notes.seeds):
        job, made = run.seed(seed), _examples(run, data, FILMS_QUANTIZED, seed)
        make_int8(job, seed, partial(_aware, job, made, seed), made.pictures)
        convert_comparisons(job, partial(_trained, job), made.pictures)


def _examples(run: Run, data: ChildrenKermany, count: int, seed: int) -> Examples:
    fitted = training_sides(data).fitted
    pictures = cached_pictures([film.path for film in fitted], SIDE, SIDE, run.pictures)
    return made_up_examples(fitted, pictures, count, seed)


def _aware(job: Job, made: Examples, seed: int) -> Any:
    """The network of a job in simulated int8, trained on the outputs of the float network."""
    teacher = _trained(job)
    (logits,) = predictions(teacher, made.pictures)
    chances = (1 / (1 + np.exp(-logits))).astype(np.float32)
    learned = Examples(made.pictures, chances)
    return fit_quantization_aware(teacher, learned, loss, AUGMENTATION, QUANTIZED_SCHEDULE, seed, job.quantized)


def _trained(job: Job) -> Any:
    model = network()
    model.load_weights(job.weights(FLOAT))
    return model
