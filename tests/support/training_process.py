"""A training in a process of its own: `python -m support.training_process MODE FOLDER [PRECISION]`. It prints what
came out.

kill      dies by SIGKILL in the midst of the third epoch
whole     trains to the end, taking up what is in FOLDER
kill-two  dies likewise, on two devices of this machine
whole-two trains to the end there
two       the same, without augmentation, which differs between devices
machines  the same on the machines of TF_CONFIG
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np

from leapfrog_training.fitting import loop
from leapfrog_training.fitting.augmentation import STILL, Augmentation
from leapfrog_training.fitting.devices import Compute, Devices, Precision, prepare
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.keras import tf, tf_keras

AUGMENTATION = Augmentation(rotation_degrees=10, zoom=0.1, shift=0.1, contrast=0.2, brightness=0.2)
SCHEDULE = loop.Schedule(epochs=5, batch=4, learning_rate=0.05)


def main(mode: str, folder: Path, precision: Precision = Precision.FLOAT32) -> None:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (16, 8, 8, 1), dtype=np.uint8)
    targets = (pictures.mean(axis=(1, 2)) > 127).astype(np.float32)
    if mode.endswith("two"):
        processor = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
        prepare(Devices.CPU, precision)
        compute = Compute(Devices.ALL_GPUS, tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]))
    else:
        compute = prepare(Devices.MACHINES if mode == "machines" else Devices.CPU, precision)
    with compute.scope():
        loop.seed_everything(3)
        model = tf_keras.Sequential([tf_keras.layers.Flatten(input_shape=(8, 8, 1)), tf_keras.layers.Dense(1)])

        def loss(truth: object, logits: object) -> object:
            return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(truth, logits))

        def after_epoch(epoch: int) -> None:
            if mode.startswith("kill") and epoch == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        changes = STILL if mode in ("two", "machines") else AUGMENTATION
        history = loop.fit(model, Examples(pictures, targets), loss, changes, SCHEDULE, 7, after_epoch, folder=folder)
    weights = np.concatenate([weight.ravel() for weight in model.get_weights()])
    print("losses", *(f"{value:.6f}" for value in history.losses))
    print("weights", *(f"{value:.5f}" for value in weights))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(Precision, sys.argv[3:]))
