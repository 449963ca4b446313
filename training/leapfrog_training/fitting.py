"""The training loop, the same for both networks and for quantization-aware training. Runs on the training machine only.

A plain loop over arrays in memory: `tf.data` with its automatic tuning leaves cores idle in repeated short runs.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.augmentation import Augmentation, move
from leapfrog_training.keras import tf, tf_keras

logger = logging.getLogger(__name__)

BLACK = -1.0


@dataclass(frozen=True)
class Schedule:
    """Adam with a learning rate that falls to 0 along a cosine."""

    epochs: int
    batch: int
    learning_rate: float


@dataclass(frozen=True)
class Examples:
    """Pictures (n, rows, columns, 1) uint8 and what the first output should say of them, float32.

    Targets are labels (n, findings) or masks (n, mask rows, mask columns, 1); masks move with their pictures.
    """

    pictures: NDArray[np.uint8]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        """How many pictures."""
        return len(self.pictures)


Loss = Callable[[Any, Any], Any]
AfterEpoch = Callable[[int], None]


def seed_everything(seed: int) -> None:
    """Start every source of chance (Python's, numpy's, TensorFlow's) from `seed`."""
    tf_keras.utils.set_random_seed(seed)


def fit(
    model: Any,
    examples: Examples,
    loss: Loss,
    augmentation: Augmentation,
    schedule: Schedule,
    seed: int,
    after_epoch: AfterEpoch | None = None,
    stop_after: int | None = None,
) -> None:
    """Train `model` in place; `loss(targets, logits)` sees its first output.

    `after_epoch` is called with 1, 2, and so on. `stop_after` ends the training early with the learning rates of the
    whole schedule, so that it gives what a full training held after that epoch.
    """
    steps = max(len(examples) // schedule.batch, 1)
    rate = tf_keras.optimizers.schedules.CosineDecay(schedule.learning_rate, steps * schedule.epochs)
    optimizer = tf_keras.optimizers.legacy.Adam(rate)
    step = tf.function(_step_of(model, loss, augmentation, optimizer))
    random = np.random.default_rng(seed)
    for epoch in range(1, (stop_after or schedule.epochs) + 1):
        start = time.monotonic()
        losses = [float(step(*batch)) for batch in batches(examples, schedule.batch, random)]
        logger.info(
            "%s epoch %d of %d: loss %.4f, %.0f s",
            model.name,
            epoch,
            schedule.epochs,
            float(np.mean(losses)),
            time.monotonic() - start,
        )
        if after_epoch is not None:
            after_epoch(epoch)


def batches(examples: Examples, size: int, random: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    """One epoch of shuffled batches of equal size, pictures as -1 to 1; what does not fill a batch waits its turn."""
    order = random.permutation(len(examples))
    for start in range(0, max(len(order) - size + 1, 1), size):
        chosen = order[start : start + size]
        pictures = tf.constant(examples.pictures[chosen].astype(np.float32) / 127.5 - 1.0)
        yield pictures, tf.constant(examples.targets[chosen])


def endless_inputs(examples: Examples, size: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Batches of inputs without end, as `quantize.warm_up_ranges` wants them."""
    random = np.random.default_rng(seed)
    while True:
        for pictures, _ in batches(examples, size, random):
            yield pictures.numpy()


def _step_of(model: Any, loss: Loss, augmentation: Augmentation, optimizer: Any) -> Callable[[Any, Any], Any]:
    several_outputs = len(model.outputs) > 1

    def step(pictures: Any, targets: Any) -> Any:
        transforms = augmentation.transforms(tf.shape(pictures)[0])
        pictures = augmentation.recolour(move(pictures, transforms, fill=BLACK))
        if len(targets.shape) == 4:
            targets = move(targets, transforms, fill=0.0)
        with tf.GradientTape() as tape:
            outputs = model(pictures, training=True)
            value = loss(targets, outputs[0] if several_outputs else outputs)
        weights = model.trainable_variables
        gradients = tape.gradient(value, weights)
        optimizer.apply_gradients([pair for pair in zip(gradients, weights, strict=True) if pair[0] is not None])
        return value

    return step
