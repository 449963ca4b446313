"""Options that several commands share, and how they open data."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from leapfrog_training.datasets.splits import AnyRecord, DataSet
from leapfrog_training.fitting.devices import Devices, Precision
from leapfrog_training.run.folder import PackageName
from leapfrog_training.tasks import TASKS

MOST_NAMED = 20  # problems printed one by one; run.json lists them all

DataOption = Annotated[
    list[Path],
    typer.Option("--data", help="Folder of the data set, in its published layout. chest-findings needs it twice."),
]
RunArgument = Annotated[Path, typer.Argument(help="Folder that `fit` wrote with --out.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Threads for TensorFlow on a processor.")]
DevicesOption = Annotated[
    Devices, typer.Option("--devices", help="What to train on; `machines` are those named in TF_CONFIG.")
]
PrecisionOption = Annotated[
    Precision, typer.Option("--precision", help="Arithmetic precision; auto is mixed on a GPU, float32 elsewhere.")
]
OutOption = Annotated[Path, typer.Option("--out", help="Folder of the run. An interrupted run is resumed.")]
ImagenetOption = Annotated[
    Path | None,
    typer.Option("--imagenet", help="Coral's tf2_mobilenet_v2_1.0_224_ptq.tflite (from coral.ai/models)."),
]
SeedsOption = Annotated[int, typer.Option("--seeds", min=1, help="Number of networks to train.")]
FoldsOption = Annotated[
    int, typer.Option("--folds", min=2, help="Number of cross-validation folds (chest-findings only).")
]


def open_data(package: PackageName, folders: Sequence[Path]) -> Any:
    """Open the data of a package, and print to stderr what was left out, with counts. Raises DatasetError."""
    return with_problems_told(TASKS[package].open(folders))


def with_problems_told(data: DataSet[AnyRecord]) -> DataSet[AnyRecord]:
    """The data; what was left out of them is printed to stderr, with counts."""
    for problem in data.problems[:MOST_NAMED]:
        typer.echo(f"left out: {problem}", err=True)
    if data.problems:
        kinds = Counter(_kind(problem) for problem in data.problems)
        summary = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        typer.echo(f"left out in total: {len(data.problems)} ({summary})", err=True)
    return data


def _kind(problem: str) -> str:
    """The kind of problem, without the file that has it: the first two words after the file's name."""
    return " ".join(problem.partition(": ")[2].split()[:2]).rstrip(",")


def as_options(folders: Sequence[Path]) -> str:
    """The folders as they are given on the command line."""
    return " ".join(f"--data {folder}" for folder in folders)
