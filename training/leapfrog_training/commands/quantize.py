"""`leapfrog-train quantize`."""

import typer

from leapfrog_training.commands.options import DataOption, DevicesOption, RunArgument, ThreadsOption, open_data
from leapfrog_training.commands.working import working_on
from leapfrog_training.fitting.devices import Devices, Precision
from leapfrog_training.run.folder import open_run
from leapfrog_training.task import task_of


def quantize(
    run: RunArgument, data: DataOption, devices: DevicesOption = Devices.AUTO, threads: ThreadsOption = 2
) -> None:
    """Make the int8 networks of a run by quantization-aware training, in float32."""
    opened = open_run(run)
    pictures = open_data(opened.notes.package, data)
    with working_on(opened, devices, Precision.FLOAT32, threads):
        task_of(opened.notes.package).quantize(opened, pictures)
    typer.echo(f"Quantized. Next: leapfrog-train evaluate {run} --data {data}")
