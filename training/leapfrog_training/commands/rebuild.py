"""`leapfrog-train rebuild`: packages from their data sets, in one command."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from leapfrog.errors import UsageError
from leapfrog.packages.manifest import MANIFEST_NAME
from leapfrog.packages.package import load_package
from leapfrog.packages.version import is_version
from leapfrog_training.commands.evaluate import evaluate
from leapfrog_training.commands.options import ThreadsOption
from leapfrog_training.commands.package import package
from leapfrog_training.commands.quality import CHEST_PACKAGES, quality
from leapfrog_training.commands.train import train
from leapfrog_training.fitting.devices import Devices
from leapfrog_training.run.folder import PackageName

ADULTS, RSNA, CHILDREN, HEADS, NERVES = (
    "chestxray14",
    "adults_rsna_normal",
    "children_kermany",
    "hc18",
    "nerves_usgra",
)  # folders of DATA
SETS = {
    PackageName.CHEST_FINDINGS: (ADULTS, RSNA),
    PackageName.CHEST_CHILD: (CHILDREN,),
    PackageName.FETAL_HEAD: (HEADS,),
    PackageName.NERVE: (NERVES, HEADS),
}
CHECKED_WITH = {
    PackageName.CHEST_FINDINGS: (ADULTS, RSNA, CHILDREN, HEADS),
    PackageName.CHEST_CHILD: (ADULTS, RSNA, CHILDREN, HEADS),
    PackageName.FETAL_HEAD: (ADULTS, HEADS),
    PackageName.NERVE: (ADULTS, HEADS, NERVES),
}  # what the check in front is fitted to
IMAGENET = Path("coral") / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
RUNS, PACKAGES = "runs", "packages"


def rebuild(
    data: Annotated[Path, typer.Argument(help="Folder with the data sets, each under its name here.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for runs/ and packages/. Interrupted work is resumed.")],
    version: Annotated[str, typer.Option("--version", help="Version of the packages.")],
    only: Annotated[
        list[PackageName] | None,
        typer.Option("--only", help="A package to make instead of both chest packages. Repeatable."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1)] = 3,
    folds: Annotated[int, typer.Option("--folds", min=2)] = 3,
    threads: ThreadsOption = 2,
) -> None:
    """Train, measure and pack both chest packages, or those given with --only, with their checks in front, from the
    data sets in DATA: chestxray14, adults_rsna_normal, children_kermany, hc18 and nerves_usgra, as far as they are
    needed, and coral with the ImageNet weights. Both chest packages take an hour on two cores, each other up to one.
    """
    if not is_version(version):
        raise UsageError(f"--version {version} is not a version such as 1.2.0 or 1.3.0-rc.1")
    names = tuple(dict.fromkeys(only or CHEST_PACKAGES))
    _refuse_missing(data, names)
    began = time.monotonic()
    for name in names:
        folders, run, packed = [data / one for one in SETS[name]], out / RUNS / name, out / PACKAGES / name
        if _is_there(packed, version):
            typer.echo(f"{name} {version} is packed already")
            continue
        with _timed(f"{name}: train"):
            train(name, folders, run, data / IMAGENET, seeds, folds, Devices.CPU, threads)
        with _timed(f"{name}: evaluate"):
            evaluate(run, folders)
        with _timed(f"{name}: package"):
            package(run, packed, version)
    with _timed("the check in front"):
        _check_in_front(data, names, [out / PACKAGES / name for name in names])
    typer.echo(f"Done in {_minutes(time.monotonic() - began)}: {out / PACKAGES}")


def _refuse_missing(data: Path, names: Sequence[PackageName]) -> None:
    """Raise UsageError now, and not after half an hour, if something is missing that a later step needs."""
    needed = dict.fromkeys(one for name in names for one in (*SETS[name], *CHECKED_WITH[name]))
    missing = [one for one in (*needed, str(IMAGENET)) if not (data / one).exists()]
    if missing:
        raise UsageError(f"{data} has no {', '.join(missing)}: give the folder that holds the data sets")


def _is_there(package: Path, version: str) -> bool:
    """Whether the package was made before this command was interrupted."""
    return (package / MANIFEST_NAME).exists() and load_package(package).manifest.version == version


def _check_in_front(data: Path, names: Sequence[PackageName], packages: list[Path]) -> None:
    needed = {one for name in names for one in CHECKED_WITH[name]}
    quality(
        packages,
        adults=data / ADULTS,
        heads=data / HEADS,
        rsna=data / RSNA if RSNA in needed else None,
        children=data / CHILDREN if CHILDREN in needed else None,
        nerves=data / NERVES if NERVES in needed else None,
    )


@contextmanager
def _timed(step: str) -> Iterator[None]:
    typer.echo(f"{step} ...")
    began = time.monotonic()
    yield
    typer.echo(f"{step}: {_minutes(time.monotonic() - began)}")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes"
