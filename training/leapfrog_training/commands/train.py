"""`leapfrog-train fit`, `quantize` and `train`: the commands that train, for which they import TensorFlow."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    RunArgument,
    SeedsOption,
    ThreadsOption,
    as_options,
    open_data,
)
from leapfrog_training.fitting.devices import Devices, Precision, prepare
from leapfrog_training.run.folder import PackageName, Run, begin_run, open_run
from leapfrog_training.run.provenance import recorded_provenance
from leapfrog_training.tasks import TASKS

PackageArgument = Annotated[PackageName, typer.Argument(help="The package to make a model for.")]


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
    weights = _weights(imagenet)
    opened, run = _data_and_run(package, data, out, seeds, folds)
    with _working_on(run, devices, precision, threads) as own_run:
        TASKS[package].recipe().fit_run(own_run, opened, weights)
    typer.echo(f"Fitted. Next: leapfrog-train quantize {out} {as_options(data)}")


def quantize(
    run: RunArgument, data: DataOption, devices: DevicesOption = Devices.AUTO, threads: ThreadsOption = 2
) -> None:
    """Make the int8 networks of a run by quantization-aware training, in float32."""
    opened_run = open_run(run)
    opened = open_data(opened_run.notes.package, data)
    with _working_on(opened_run, devices, Precision.FLOAT32, threads):
        TASKS[opened_run.notes.package].recipe().quantize_run(opened_run, opened)
    typer.echo(f"Quantized. Next: leapfrog-train evaluate {run} {as_options(data)}")


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
    weights = _weights(imagenet)
    opened, run = _data_and_run(package, data, out, seeds, folds)
    with _working_on(run, devices, Precision.FLOAT32, threads) as own_run:
        recipe = TASKS[package].recipe()
        recipe.quantize_run(recipe.fit_run(own_run, opened, weights), opened)
    typer.echo(f"Trained. Next: leapfrog-train evaluate {out} {as_options(data)}")


def _weights(imagenet: Path | None) -> Path:
    """The file with the ImageNet weights, checked before the data are opened, since that takes long."""
    if imagenet is None:
        raise UsageError("training starts from ImageNet weights: give --imagenet tf2_mobilenet_v2_1.0_224_ptq.tflite")
    if not imagenet.is_file():
        raise UsageError(f"--imagenet {imagenet}: no such file")
    return imagenet


def _data_and_run(package: PackageName, data: Sequence[Path], out: Path, seeds: int, folds: int) -> tuple[Any, Run]:
    """The data set, and the new or resumed run."""
    opened = open_data(package, data)
    return opened, begin_run(out, TASKS[package].notes(opened, seeds, folds))


@contextmanager
def _working_on(run: Run, devices: Devices, precision: Precision, threads: int) -> Iterator[Run]:
    """Networks built and trained inside this context use `devices`. Yields the run as this machine is to write it: if
    several machines train together, only the first one's files count, and the others write into folders of their own.
    At the end, the curves of all networks are drawn.
    """
    compute = prepare(devices, precision, threads)
    from leapfrog_training.fitting.history import draw_run_curves

    folder = run.folder if compute.is_chief else run.folder / f"machine-{compute.worker}"
    folder.mkdir(exist_ok=True)
    own = run if compute.is_chief else Run(folder, run.notes)
    with recorded_provenance(folder, compute.devices.value), compute.scope():
        yield own
        draw_run_curves(own)
