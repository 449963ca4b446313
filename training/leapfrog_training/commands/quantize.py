"""`leapfrog-train quantize`. Runs on the training machine only."""

import typer

from leapfrog_training.commands.options import DataOption, RunArgument, ThreadsOption, open_data, use_threads
from leapfrog_training.runs import open_run
from leapfrog_training.task import task_of


def quantize(run: RunArgument, data: DataOption, threads: ThreadsOption = 2) -> None:
    """Make the int8 networks of a run by quantization-aware training."""
    opened = open_run(run)
    pictures = open_data(opened.notes.package, data)
    use_threads(threads)
    task_of(opened.notes.package).quantize(opened, pictures)
    typer.echo(f"Quantized. Next: leapfrog-train evaluate {run} --data {data}")
