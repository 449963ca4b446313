"""`leapfrog evaluate PACKAGE --data DIR` from start to end."""

import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from leapfrog import __version__
from leapfrog.commands.evaluate.kept import FILE_MODE, READ_NAME, Kept
from leapfrog.commands.evaluate.layout import read_labels
from leapfrog.commands.evaluate.reading import PICTURES_NAME, WORK_PREFIX, ImageReader, Source
from leapfrog.commands.evaluate.signed_run import SUFFIX, write_signed
from leapfrog.durable import write_durably
from leapfrog.errors import StorageError, UsageError
from leapfrog.evaluation.evaluation import PackageEvaluation, Setup, evaluated
from leapfrog.evaluation.page import render_evaluation, summary_lines
from leapfrog.packages.catalogue import Catalogue, packages_in_use
from leapfrog.packages.local_threshold import LocalThreshold
from leapfrog.packages.local_thresholds import with_local_thresholds
from leapfrog.packages.manifest import MANIFEST_NAME
from leapfrog.packages.package import ModelPackage
from leapfrog.settings import Settings
from leapfrog.state.journal import now_text
from leapfrog.state.station.local_thresholds import local_thresholds
from leapfrog.wording.text import count

PAGE_NAME, JSON_NAME = "evaluation.html", "evaluation.json"
OURS = frozenset((PAGE_NAME, JSON_NAME, f"{JSON_NAME}{SUFFIX}", READ_NAME, PICTURES_NAME))
MOST_LANES = 4  # unless the settings name more; no more than cores: each takes one, and the memory of a reader


@dataclass(frozen=True)
class Result:
    """What was measured, and where it lies. `before`: so many images had been read by a run that was cut off, or by the
    same one. `unsigned`: why this box did not sign it, as a sentence; "" if it did.
    """

    evaluation: PackageEvaluation
    page: Path
    json: Path
    before: int
    unsigned: str = ""

    def as_json(self) -> dict[str, Any]:
        """The shape of `leapfrog evaluate --json`: everything but the single images."""
        return {
            "page": str(self.page),
            "json": str(self.json),
            "read_before": self.before,
            "unsigned": self.unsigned,
            **self.evaluation.model_dump(mode="json", exclude={"images"}),
        }

    def lines(self) -> list[str]:
        """The same for a person, in short."""
        before = [f"{count(self.before, 'image')} had been read before."] if self.before else []
        return [
            *before,
            *self.evaluation.notes,
            *summary_lines(self.evaluation),
            f"The page: {self.page}",
            f"All figures: {self.json}",
            *([self.unsigned] if self.unsigned else []),
        ]


def evaluate(
    package: str,
    data: Path,
    out: Path | None,
    settings: Settings,
    prevalence: float | None,
    console: Console | None,
) -> Result:
    """Read the images in `data`, compare, and write page, pictures and JSON to `out`; None makes a folder here, named
    by data and package. `package` is the name of one in use, or the folder of one that is not installed.

    Raises UsageError for a layout that is not as described and for a package that is not in use, and what
    `ImageReader.read` raises.
    """
    settings = _with_package(package, settings)
    catalogue = packages_in_use(settings)
    thresholds = local_thresholds(settings.state_dir, lambda: catalogue).in_use
    judged = _judged(package, catalogue, thresholds)
    labels = read_labels(data, judged.manifest)
    out = out or Path(f"{data.resolve().name}-{judged.name}")
    _make_private(out)
    with closing(Kept(out, _read_with(settings, catalogue, thresholds))) as kept:
        lanes = max(settings.engine.lanes, min(MOST_LANES, os.cpu_count() or 1))
        before = 0
        with closing(ImageReader(Source(data, judged, out), settings, kept, lanes)) as reader, _bar(console) as bar:
            task = bar.add_task("Reading", total=len(labels.images))

            def on_read(known: bool) -> None:
                nonlocal before
                before += known
                bar.advance(task)

            images = reader.read(labels.images, on_read)
    setup = Setup(
        package=judged.name,
        version=judged.version,
        package_sha256=judged.digest,
        demonstration=judged.manifest.demonstration,
        data=data.resolve().name,
        images=len(labels.images),
        labels_changed_at=labels.changed_at,
        station=settings.station.name,
        leapfrog=__version__,
        measured_at=now_text(),
        prevalence=prevalence,
    )
    return _written(evaluated(setup, judged.manifest, images, labels.notes), out, before, settings.state_dir)


def _with_package(package: str, settings: Settings) -> Settings:
    """The settings with which the package is used: one that is not installed comes first."""
    folder = Path(package)
    if not (folder / MANIFEST_NAME).is_file():
        return settings
    paths = (folder.resolve(), *settings.models.paths)
    return settings.model_copy(update={"models": settings.models.model_copy(update={"paths": paths})})


def _judged(package: str, catalogue: Catalogue, thresholds: Sequence[LocalThreshold]) -> ModelPackage:
    """The package that is meant, with its thresholds of this place."""
    folder = Path(package)
    adjusted = with_local_thresholds(catalogue, thresholds).packages
    found = [one for one in adjusted if one.folder.resolve() == folder.resolve() or one.name == package]
    if not found:
        names = ", ".join(one.name for one in adjusted)
        problems = " ".join(catalogue.problems())
        raise UsageError(f"There is no package {package}. The packages of this box: {names}. {problems}".strip())
    return found[0]


def _read_with(settings: Settings, catalogue: Catalogue, thresholds: Sequence[LocalThreshold]) -> dict[str, object]:
    """All that decides what is said of an image, but the image itself."""
    return {
        "leapfrog": __version__,
        "packages": [(one.name, one.digest) for one in catalogue.packages],
        "thresholds": [one.model_dump_json() for one in thresholds],
        "unknown_age": settings.station.unknown_age,
        "assumed_character_set": settings.dicom.assumed_character_set,
        "frames_per_cine": settings.engine.frames_per_cine,
    }


def _make_private(out: Path) -> None:
    """Make the result's folder, which holds pictures of patients, and clear what a run that was killed left in it.

    Raises UsageError for a folder with something else.
    """
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in out.glob(f"{WORK_PREFIX}*"):
            shutil.rmtree(left)
        others = [path.name for path in out.iterdir() if path.name not in OURS]
        if others:
            raise UsageError(f"{out} holds other files, such as {others[0]}. Name a folder of its own with --out.")
        out.chmod(0o700)
    except OSError as problem:
        raise StorageError(f"{out} cannot be written: {problem.strerror}.") from problem


def _bar(console: Console | None) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=console is None, transient=True)


def _written(evaluation: PackageEvaluation, out: Path, before: int, state_dir: Path) -> Result:
    page, json = out / PAGE_NAME, out / JSON_NAME
    shown = {image.said.picture for image in evaluation.images}
    try:
        for picture in (out / PICTURES_NAME).iterdir():  # of images that are not in the data any more
            if f"{PICTURES_NAME}/{picture.name}" not in shown:
                picture.unlink()
        unsigned = write_signed(json, evaluation.model_dump_json(indent=1).encode(), state_dir)
        write_durably(page, render_evaluation(evaluation).encode(), mode=FILE_MODE)
    except OSError as problem:
        raise StorageError(f"{out} cannot be written: {problem.strerror}.") from problem
    return Result(evaluation, page, json, before, unsigned)
