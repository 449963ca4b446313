"""`leapfrog-train fit` and `leapfrog-train train`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from leapfrog.errors import UsageError
from leapfrog_training.commands.options import (
    DataOption,
    DevicesOption,
    FoldsOption,
    ImagenetOption,
    OutOption,
    PrecisionOption,
    SeedsOption,
    ThreadsOption,
    open_data,
)
from leapfrog_training.commands.working import working_on
from leapfrog_training.fitting.devices import Devices, Precision
from leapfrog_training.run.folder import PackageName, Run, begin_run, open_run
from leapfrog_training.task import FitOptions, Task, task_of

PackageArgument = Annotated[PackageName, typer.Argument(help="Which package to make a model for.")]


def fit(
    package: PackageArgument,
    data: DataOption,
    out: OutOption,
    imagenet: ImagenetOption = None,
    seeds: SeedsOption = 3,
    folds: FoldsOption = 5,
    devices: DevicesOption = Devices.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    threads: ThreadsOption = 2,
) -> None:
    """Train the networks of a package in float."""
    options = FitOptions(_weights(imagenet), seeds, folds)
    task, opened, run = _begun(package, data, out, options)
    with working_on(run, devices, precision, threads) as own_run:
        task.fit(own_run, opened, options)
    typer.echo(f"Fitted. Next: leapfrog-train quantize {out} --data {data}")


def train(
    package: PackageArgument,
    data: DataOption,
    out: OutOption,
    imagenet: ImagenetOption = None,
    seeds: SeedsOption = 3,
    folds: FoldsOption = 5,
    devices: DevicesOption = Devices.AUTO,
    threads: ThreadsOption = 2,
) -> None:
    """Train the networks of a package in float, then in int8: `fit` and `quantize` in one, in float32."""
    options = FitOptions(_weights(imagenet), seeds, folds)
    task, opened, run = _begun(package, data, out, options)
    with working_on(run, devices, Precision.FLOAT32, threads) as own_run:
        task.fit(own_run, opened, options)
        task.quantize(open_run(own_run.folder), opened)
    typer.echo(f"Trained. Next: leapfrog-train evaluate {out} --data {data}")


def _begun(package: PackageName, data: Path, out: Path, options: FitOptions) -> tuple[Task, Any, Run]:
    """The steps, the data set and the run, new or taken up."""
    task = task_of(package)
    opened = open_data(package, data)
    return task, opened, begin_run(out, task.notes(opened, options))


def _weights(imagenet: Path | None) -> Path:
    """The file with the ImageNet weights; asked for before the data are opened, which takes long."""
    if imagenet is None:
        raise UsageError("training starts from ImageNet weights: give --imagenet tf2_mobilenet_v2_1.0_224_ptq.tflite")
    if not imagenet.is_file():
        raise UsageError(f"--imagenet {imagenet}: there is no such file")
    return imagenet
