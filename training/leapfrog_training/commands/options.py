"""Options that several commands share, and how they open data."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from leapfrog_training.fitting.devices import Devices, Precision
from leapfrog_training.run.folder import PackageName
from leapfrog_training.tasks import TASKS

MOST_NAMED = 20  # one by one; run.json names them all

DataOption = Annotated[Path, typer.Option("--data", help="Folder of the data set, in its own layout.")]
RunArgument = Annotated[Path, typer.Argument(help="Folder that `fit` wrote with --out.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Threads for TensorFlow on a processor.")]
DevicesOption = Annotated[
    Devices, typer.Option("--devices", help="What to train on; `machines` are those that TF_CONFIG names.")
]
PrecisionOption = Annotated[Precision, typer.Option("--precision", help="Of the arithmetic; auto: mixed on a GPU.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder of the run. An interrupted run is taken up again.")]
ImagenetOption = Annotated[
    Path | None,
    typer.Option("--imagenet", help="tf2_mobilenet_v2_1.0_224_ptq.tflite of Coral (coral.ai/models)."),
]
SeedsOption = Annotated[int, typer.Option("--seeds", min=1, help="How many networks to make.")]
FoldsOption = Annotated[int, typer.Option("--folds", min=2, help="Of the cross-validation (chest-findings only).")]


def open_data(package: PackageName, folder: Path) -> Any:
    """The data set of a package; what was left out is told on stderr, with counts. Raises DatasetError."""
    data = TASKS[package].open(folder)
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
