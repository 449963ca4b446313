"""Options that several commands share, and how they open data. Runs on the training machine only."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from leapfrog_training.runs import PackageName
from leapfrog_training.task import task_of

MOST_NAMED = 20  # one by one; run.json names them all

DataOption = Annotated[Path, typer.Option("--data", help="Folder of the data set, in its own layout.")]
RunArgument = Annotated[Path, typer.Argument(help="Folder that `fit` wrote with --out.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Threads for TensorFlow.")]


def open_data(package: PackageName, folder: Path) -> Any:
    """The data set of a package; what was left out is told on stderr, with counts. Raises DatasetError."""
    data = task_of(package).open(folder)
    for problem in data.problems[:MOST_NAMED]:
        typer.echo(f"left out: {problem}", err=True)
    if data.problems:
        kinds = Counter(_kind(problem) for problem in data.problems)
        told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        typer.echo(f"left out in all: {len(data.problems)} ({told})", err=True)
    return data


def _kind(problem: str) -> str:
    """What is wrong, without whom it concerns: the first two words behind the name."""
    return " ".join(problem.partition(": ")[2].split()[:2]).rstrip(",")


def use_threads(threads: int) -> None:
    """Import TensorFlow and keep it to this many threads."""
    from leapfrog_training.keras import use_threads as keep_to

    keep_to(threads)
