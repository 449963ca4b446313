"""The training loop, the same for every network and for quantization-aware training.

A plain loop over arrays: `tf.data` with its automatic tuning leaves cores idle in repeated short runs. All randomness
comes from the seed and the number of the step, so a training that was interrupted gives the same result when resumed.
The loop runs on the devices of the strategy in scope (`devices.py`).
"""

import logging
import math
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.fitting.augmentation import Augmentation, move
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.history import History, JobRecords
from leapfrog_training.fitting.pictures import scaled
from leapfrog_training.fitting.resume import Resumable
from leapfrog_training.keras import tf, tf_keras

logger = logging.getLogger(__name__)

BLACK = -1.0
LARGEST_SEED = 2**31


@dataclass(frozen=True)
class Schedule:
    """Adam with a learning rate that falls to 0 along a cosine. `batch` is the total over all devices, divided evenly
    among them; it is rounded up to a multiple of their number. `in_parts`: each epoch has its own part of the examples,
    for examples that are made up and cost nothing to have more of.
    """

    epochs: int
    batch: int
    learning_rate: float
    in_parts: bool = False

    def of_epoch(self, examples: "Examples", epoch: int) -> "Examples":
        """The examples of an epoch, counted from 1."""
        if not self.in_parts:
            return examples
        size = len(examples) // self.epochs
        return examples.at(np.arange((epoch - 1) * size, epoch * size))


Loss = Callable[[Any, Any], Any]
AfterEpoch = Callable[[int], None]


def seed_everything(seed: int) -> None:
    """Seed every random generator (Python's, numpy's, TensorFlow's)."""
    tf_keras.utils.set_random_seed(seed)


def fit(
    model: Any,
    examples: Examples,
    loss: Loss,
    augmentation: Augmentation,
    schedule: Schedule,
    seed: int,
    after_epoch: AfterEpoch | None = None,
    folder: Path | None = None,
) -> History:
    """Train `model` in place; `loss(targets, logits)` sees its first output.

    `after_epoch` is called with 1, 2, and so on.

    TensorBoard's logs, the settings and the curves are written to `folder`. A training that was interrupted resumes
    there after its last complete epoch and ends with the same weights; one that had finished ends at once, until
    `resume.forget` removes its state. If several machines train together, an interrupted network starts again, since
    each machine knows only its own state.
    """
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    batch_size = math.ceil(schedule.batch / replicas) * replicas
    steps = max(len(schedule.of_epoch(examples, 1)) // batch_size, 1)
    with strategy.scope():
        rate = tf_keras.optimizers.schedules.CosineDecay(schedule.learning_rate, steps * schedule.epochs)
        optimizer = _scaled(tf_keras.optimizers.legacy.Adam(rate))
    step = tf.function(partial(_distributed_step, _step_of(model, loss, augmentation, optimizer)))
    settings = _settings(examples, augmentation, schedule, seed)
    is_alone = not strategy.extended._in_multi_worker_mode()
    resumable = Resumable(folder if is_alone else None, model, optimizer, settings)
    history = resumable.restore()
    with JobRecords(folder, model.name, schedule.epochs, settings) as records:
        for epoch in range(len(history.losses) + 1, schedule.epochs + 1):
            start = time.monotonic()
            losses = []
            order = np.random.default_rng((seed, epoch))
            own = schedule.of_epoch(examples, epoch)
            for number, batch in enumerate(batches(own, batch_size, order)):
                first_chance = ((epoch - 1) * steps + number) * replicas  # each replica has its own
                chance = tf.constant([seed % LARGEST_SEED, first_chance], tf.int32)
                losses.append(step(*_shares(strategy, batch), chance))
                records.advance(epoch, steps, batch_size)
            mean_loss = float(np.mean([float(value) for value in losses]))
            history = history.after(mean_loss, float(rate(optimizer.iterations)))
            if after_epoch is not None:
                after_epoch(epoch)
            resumable.save(history)
            records.epoch_done(history, time.monotonic() - start, len(own))
    return history


def _settings(examples: Examples, augmentation: Augmentation, schedule: Schedule, seed: int) -> dict[str, Any]:
    """What distinguishes one training of a network from another; pictures count by their number and their labels."""
    return {
        "schedule": asdict(schedule),
        "augmentation": asdict(augmentation),
        "seed": seed,
        "examples": len(examples),
        "targets_crc32": zlib.crc32(examples.targets.tobytes()),
    }


def save_weights(model: Any, path: Path) -> None:
    """Save a network's weights as `path`, completely or not at all: an existing file counts as finished."""
    temporary = path.with_name(f"part-{path.name}")  # Keras decides by the suffix
    model.save_weights(temporary)
    temporary.replace(path)


def batches(examples: Examples, size: int, random: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    """One epoch of shuffled batches of equal size, with pictures of -1 to 1. Examples that do not fill a batch are left
    out of this epoch.
    """
    order = random.permutation(len(examples))
    for start in range(0, max(len(order) - size + 1, 1), size):
        chosen = np.sort(order[start : start + size])  # pictures in a file are read forwards
        yield scaled(examples.pictures[chosen]), examples.targets[chosen]


def endless_inputs(examples: Examples, size: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Endless batches of inputs, for `quantize.warm_up_ranges`."""
    random = np.random.default_rng(seed)
    while True:
        for pictures, _ in batches(examples, size, random):
            yield pictures


def _shares(strategy: Any, batch: tuple[Any, Any]) -> tuple[Any, Any]:
    """The batch, divided among the devices."""
    replicas = strategy.num_replicas_in_sync

    def share(values: NDArray[np.float32]) -> Any:
        if replicas == 1:
            return tf.constant(values)
        parts = np.array_split(values, replicas)
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )

    pictures, targets = batch
    return share(pictures), share(targets)


def _distributed_step(step: Callable[..., Any], pictures: Any, targets: Any, chance: Any) -> Any:
    strategy = tf.distribute.get_strategy()
    losses = strategy.run(step, args=(pictures, targets, chance))
    return strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)


def _scaled(optimizer: Any) -> Any:
    """The optimizer, with loss scaling if float16 is used: otherwise small gradients would vanish."""
    if tf_keras.mixed_precision.global_policy().name == "mixed_float16":
        return tf_keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer


def _step_of(model: Any, loss: Loss, augmentation: Augmentation, optimizer: Any) -> Callable[[Any, Any, Any], Any]:
    several_outputs = len(model.outputs) > 1
    is_scaled = isinstance(optimizer, tf_keras.mixed_precision.LossScaleOptimizer)

    def step(pictures: Any, targets: Any, chance: Any) -> Any:
        replica = tf.distribute.get_replica_context()
        count = tf.cast(replica.num_replicas_in_sync, tf.float32)
        own_chance = tf.stack([chance[0], chance[1] + replica.replica_id_in_sync_group])
        transforms = augmentation.transforms(tf.shape(pictures)[0], own_chance)
        pictures = augmentation.recolour(move(pictures, transforms, fill=BLACK), own_chance)
        if len(targets.shape) == 4:
            targets = move(targets, transforms, fill=0.0)
        with tf.GradientTape() as tape:
            outputs = model(pictures, training=True)
            logits = tf.cast(outputs[0] if several_outputs else outputs, tf.float32)
            value = loss(targets, logits) / count  # gradients are summed over the devices
            scaled = optimizer.get_scaled_loss(value) if is_scaled else value
        weights = model.trainable_variables
        gradients = tape.gradient(scaled, weights)
        if is_scaled:
            gradients = optimizer.get_unscaled_gradients(gradients)
        optimizer.apply_gradients([pair for pair in zip(gradients, weights, strict=True) if pair[0] is not None])
        return value

    return step
