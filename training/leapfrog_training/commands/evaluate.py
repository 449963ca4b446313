"""`leapfrog-train evaluate`."""

import typer

from leapfrog_training.commands.options import DataOption, RunArgument, open_data
from leapfrog_training.files import write_whole
from leapfrog_training.run.folder import open_run
from leapfrog_training.tasks import TASKS


def evaluate(run: RunArgument, data: DataOption) -> None:
    """Measure a run's networks, float and int8, with the kiosk's own code, draw figures and print the scores."""
    opened = open_run(run)
    evaluation = TASKS[opened.notes.package].evaluate(opened, open_data(opened.notes.package, data))
    write_whole(opened.evaluation, evaluation.model_dump_json(indent=2).encode())
    for name, value in evaluation.metrics().items():
        typer.echo(f"{name}: {value}")
    typer.echo(f"Figures for the card: {opened.figures}")
    typer.echo(f"Examples: {opened.examples}. They show patients: do not pass them on.")
