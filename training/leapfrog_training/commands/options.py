"""Options that several commands share, and how they open data. Runs on the training machine only."""

from pathlib import Path
from typing import Annotated, Any

import typer

from leapfrog_training.runs import PackageName
from leapfrog_training.task import task_of

DataOption = Annotated[Path, typer.Option("--data", help="Folder of the data set, in its own layout.")]
RunArgument = Annotated[Path, typer.Argument(help="Folder that `fit` wrote with --out.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Threads for TensorFlow.")]


def open_data(package: PackageName, folder: Path) -> Any:
    """The data set of a package; what was left out is told on stderr. Raises DatasetError."""
    data = task_of(package).open(folder)
    for problem in data.problems:
        typer.echo(f"left out: {problem}", err=True)
    return data


def use_threads(threads: int) -> None:
    """Import TensorFlow and keep it to this many threads."""
    from leapfrog_training.keras import use_threads as keep_to

    keep_to(threads)
