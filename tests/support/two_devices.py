"""A command of `leapfrog-train` on two logical devices of the processor, with tiny networks, in a process of its own:
`python -m support.two_devices HOW PACKAGE COMMAND...`.

HOW is `whole`, or `killed`: then the process dies by SIGKILL after the first complete epoch.
"""

import os
import signal
import sys
from dataclasses import replace
from typing import Any

import pytest

from leapfrog_training.chest.task import CHEST
from leapfrog_training.cli import main
from leapfrog_training.commands import train
from leapfrog_training.fitting import devices, loop
from leapfrog_training.fitting.resume import Resumable
from leapfrog_training.keras import tf
from leapfrog_training.run.folder import PackageName
from leapfrog_training.tasks import TASKS
from support.tiny_networks import make_film_networks_tiny, make_nerve_networks_tiny


def run(how: str, package: str, command: list[str]) -> None:
    """Run the command; `package` decides which networks are made tiny."""
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    with pytest.MonkeyPatch.context() as patch:
        if package == "nerve":
            make_nerve_networks_tiny(patch)
        else:
            make_film_networks_tiny(patch, epochs=2)
            patch.setitem(TASKS, PackageName.CHEST_FINDINGS, replace(CHEST, without=()))  # to save time
        patch.setattr(train, "prepare", _two_devices)
        if how == "killed":
            patch.setattr(loop, "Resumable", _Killed)
        sys.argv = ["leapfrog-train", *command]
        main()


def _two_devices(chosen: devices.Devices, precision: devices.Precision, threads: int) -> devices.Compute:
    """As for two graphics cards, which no machine of the tests has."""
    devices.prepare(devices.Devices.CPU, precision, threads)
    return devices.Compute(devices.Devices.ALL_GPUS, tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]))


class _Killed(Resumable):
    def save(self, history: Any) -> None:
        super().save(history)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], sys.argv[3:])
