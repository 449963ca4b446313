"""`leapfrog-train evaluate`."""

import typer

from leapfrog_training.commands.options import DataOption, RunArgument, open_data
from leapfrog_training.files import write_whole
from leapfrog_training.run.folder import open_run
from leapfrog_training.tasks import TASKS


def evaluate(run: RunArgument, data: DataOption) -> None:
    """Measure a run's networks, float and int8, through the kiosk's own reading, draw figures and print the scores."""
    opened = open_run(run)
    measured = TASKS[opened.notes.package].evaluate(opened, open_data(opened.notes.package, data))
    write_whole(opened.evaluation, measured.model_dump_json(indent=2).encode())
    for name, value in measured.metrics().items():
        typer.echo(f"{name}: {value}")
    typer.echo(
        f"Figures for the card: {opened.figures}. Examples, which show patients and stay here: {opened.examples}"
    )
