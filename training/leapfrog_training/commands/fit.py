"""`leapfrog-train fit`. Runs on the training machine only."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog_training.commands.options import DataOption, ThreadsOption, open_data, use_threads
from leapfrog_training.runs import PackageName, begin_run
from leapfrog_training.task import FitOptions, task_of


def fit(
    package: Annotated[PackageName, typer.Argument(help="Which package to make a model for.")],
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", help="Folder of the run. An interrupted run is taken up again.")],
    imagenet: Annotated[
        Path | None,
        typer.Option("--imagenet", help="tf2_mobilenet_v2_1.0_224_ptq.tflite of Coral (chest-findings only)."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many networks to make.")] = 3,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Of the cross-validation (chest-findings only).")] = 5,
    threads: ThreadsOption = 2,
) -> None:
    """Train the networks of a package in float."""
    task, options = task_of(package), FitOptions(seeds=seeds, folds=folds, imagenet=imagenet)
    task.check(options)
    opened = open_data(package, data)
    run = begin_run(out, task.notes(opened, options))
    use_threads(threads)
    task.fit(run, opened, options)
    typer.echo(f"Fitted. Next: leapfrog-train quantize {out} --data {data}")
