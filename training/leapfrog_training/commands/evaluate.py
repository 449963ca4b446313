"""`leapfrog-train evaluate`. Runs on the training machine only."""

import typer

from leapfrog_training.commands.options import DataOption, RunArgument, open_data
from leapfrog_training.runs import open_run, write_atomically
from leapfrog_training.task import task_of


def evaluate(run: RunArgument, data: DataOption) -> None:
    """Measure the int8 networks of a run through the kiosk's own reading, and print what the card will say."""
    opened = open_run(run)
    measured = task_of(opened.notes.package).evaluate(opened, open_data(opened.notes.package, data))
    write_atomically(opened.evaluation, measured.model_dump_json(indent=2).encode())
    for name, value in measured.metrics().items():
        typer.echo(f"{name}: {value}")
