"""`leapfrog-train package`. Runs on the training machine only."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog_training.commands.options import RunArgument
from leapfrog_training.runs import open_run
from leapfrog_training.task import task_of


def package(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", help="Folder of the package; what it held is replaced.")],
    version: Annotated[str, typer.Option("--version", help="Version of the package.")] = "0.1.0",
) -> None:
    """Write the package of an evaluated run: model, hashes, scores and card."""
    opened = open_run(run)
    task_of(opened.notes.package).package(opened, out, version)
    typer.echo(f"{out} holds {opened.notes.package} {version}")
