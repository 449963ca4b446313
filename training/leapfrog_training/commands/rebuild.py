"""`leapfrog-train rebuild`: both chest packages from their data sets, in one command."""

import time
from collections.abc import Iterator
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
from leapfrog_training.commands.quality import quality
from leapfrog_training.commands.train import train
from leapfrog_training.fitting.devices import Devices
from leapfrog_training.run.folder import PackageName

# Folders of DATA, by package; and what the check in front is fitted to.
SETS = {
    PackageName.CHEST_FINDINGS: ("chestxray14", "adults_rsna_normal"),
    PackageName.CHEST_CHILD: ("children_kermany",),
}
HEADS = "hc18"
IMAGENET = Path("coral") / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
RUNS, PACKAGES = "runs", "packages"


def rebuild(
    data: Annotated[Path, typer.Argument(help="Folder with the data sets, each under its name here.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for runs/ and packages/. Interrupted work is resumed.")],
    version: Annotated[str, typer.Option("--version", help="Version of both packages.")],
    seeds: Annotated[int, typer.Option("--seeds", min=1)] = 3,
    folds: Annotated[int, typer.Option("--folds", min=2)] = 3,
    threads: ThreadsOption = 2,
) -> None:
    """Train, measure and pack chest-findings and chest-child, with their checks in front, from the data sets in DATA:
    chestxray14, adults_rsna_normal, children_kermany and hc18, and coral with the ImageNet weights. It takes about an
    hour on two cores.
    """
    if not is_version(version):
        raise UsageError(f"--version {version} is not a version such as 1.2.0 or 1.3.0-rc.1")
    _refuse_missing(data)
    began = time.monotonic()
    for name, sets in SETS.items():
        folders, run, packed = [data / one for one in sets], out / RUNS / name, out / PACKAGES / name
        if _is_there(packed, version):
            typer.echo(f"{name} {version} is packed already")
            continue
        with _timed(f"{name}: train"):
            train(name, folders, run, data / IMAGENET, seeds, folds, Devices.CPU, threads)
        with _timed(f"{name}: evaluate"):
            evaluate(run, folders)
        with _timed(f"{name}: package"):
            package(run, packed, version)
    with _timed("both: the check in front"):
        _check_in_front(data, [out / PACKAGES / name for name in SETS])
    typer.echo(f"Done in {_minutes(time.monotonic() - began)}: {out / PACKAGES}")


def _refuse_missing(data: Path) -> None:
    """Raise UsageError now, and not after half an hour, if something is missing that a later step needs."""
    needed = [*(one for sets in SETS.values() for one in sets), HEADS, str(IMAGENET)]
    missing = [one for one in needed if not (data / one).exists()]
    if missing:
        raise UsageError(f"{data} has no {', '.join(missing)}: give the folder that holds the data sets")


def _is_there(package: Path, version: str) -> bool:
    """Whether the package was made before this command was interrupted."""
    return (package / MANIFEST_NAME).exists() and load_package(package).manifest.version == version


def _check_in_front(data: Path, packages: list[Path]) -> None:
    (adults, rsna), (children,) = SETS.values()
    quality(
        packages,
        adults=data / adults,
        heads=data / HEADS,
        rsna=data / rsna,
        children=data / children,
    )


@contextmanager
def _timed(step: str) -> Iterator[None]:
    typer.echo(f"{step} ...")
    began = time.monotonic()
    yield
    typer.echo(f"{step}: {_minutes(time.monotonic() - began)}")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes"
