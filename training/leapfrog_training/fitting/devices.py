"""Where a training runs: on the processor, one graphics card, several, or several machines."""

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from leapfrog.errors import UsageError

CLUSTER_VARIABLE = "TF_CONFIG"  # TensorFlow's own: which machines take part, and which of them this is


class Devices(StrEnum):
    """What to train on. `auto` uses the machines of TF_CONFIG, else all graphics cards, else the processor."""

    AUTO = "auto"
    CPU = "cpu"
    ONE_GPU = "one-gpu"
    ALL_GPUS = "all-gpus"
    MACHINES = "machines"


class Precision(StrEnum):
    """The precision of the arithmetic in training; weights are kept in float32. `auto` is mixed on a graphics card."""

    AUTO = "auto"
    FLOAT32 = "float32"
    MIXED = "mixed"


@dataclass(frozen=True)
class Compute:
    """Where networks are built and trained, inside `scope`. Several devices need a `strategy` of tf.distribute; with a
    single one it is None.
    """

    devices: Devices
    strategy: Any = None
    worker: int = 0

    def scope(self) -> AbstractContextManager[Any]:
        """Networks built and trained inside this context use the devices."""
        return nullcontext() if self.strategy is None else self.strategy.scope()

    @property
    def is_chief(self) -> bool:
        """Whether this machine's files count; if several train together, only the first one's do."""
        return self.worker == 0


def prepare(devices: Devices, precision: Precision, threads: int | None = None) -> Compute:
    """Choose devices, precision and threads, before any network is built. Raises UsageError for missing devices."""
    from leapfrog_training.keras import tf, tf_keras, use_threads

    if threads is not None:
        use_threads(threads)
    cards = tf.config.list_physical_devices("GPU")
    chosen = _automatic(bool(cards)) if devices is Devices.AUTO else devices
    if chosen in (Devices.ONE_GPU, Devices.ALL_GPUS) and not cards:
        raise UsageError(f"--devices {chosen}: TensorFlow finds no graphics card on this machine; use --devices cpu")
    mixed = precision is Precision.MIXED or (precision is Precision.AUTO and bool(cards) and chosen != Devices.CPU)
    tf_keras.mixed_precision.set_global_policy("mixed_float16" if mixed else "float32")
    if chosen is Devices.MACHINES:
        return Compute(chosen, tf.distribute.MultiWorkerMirroredStrategy(), _this_worker())
    if chosen is Devices.ALL_GPUS and len(cards) > 1:
        return Compute(chosen, tf.distribute.MirroredStrategy())
    if chosen is Devices.CPU:
        tf.config.set_visible_devices([], "GPU")
    return Compute(chosen)


@contextmanager
def in_float32() -> Iterator[None]:
    """Networks built inside this context compute in float32, whatever the precision of the training: those that are
    converted, since the converter takes no float16.
    """
    from leapfrog_training.keras import tf_keras

    of_training = tf_keras.mixed_precision.global_policy()
    tf_keras.mixed_precision.set_global_policy("float32")
    try:
        yield
    finally:
        tf_keras.mixed_precision.set_global_policy(of_training)


def _automatic(has_cards: bool) -> Devices:
    if CLUSTER_VARIABLE in os.environ:
        return Devices.MACHINES
    return Devices.ALL_GPUS if has_cards else Devices.CPU


def _this_worker() -> int:
    """The position of this machine among those of TF_CONFIG."""
    try:
        task = json.loads(os.environ[CLUSTER_VARIABLE])["task"]
        return int(task["index"]) if task["type"] == "worker" else 0
    except (KeyError, ValueError, TypeError) as problem:
        raise UsageError(
            f"--devices machines: set {CLUSTER_VARIABLE} on every machine, such as "
            '{"cluster": {"worker": ["first:2222", "second:2222"]}, "task": {"type": "worker", "index": 0}}'
        ) from problem
