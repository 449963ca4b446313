"""`leapfrog-train quality`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from numpy import uint8
from numpy.typing import NDArray

from leapfrog.errors import UsageError
from leapfrog.packages.package import QUALITY_NAME, ModelPackage, load_package
from leapfrog_training.commands.options import open_data
from leapfrog_training.datasets.chestxray14 import open_chestxray14
from leapfrog_training.errors import TrainingError
from leapfrog_training.packaging.package import QUALITY_METRICS, add_file
from leapfrog_training.run.folder import PackageName

if TYPE_CHECKING:
    from leapfrog_training.quality.recipes import MeasuredCheck

CHEST_PACKAGES = (PackageName.CHEST_FINDINGS, PackageName.CHEST_CHILD)
ULTRASOUND_PACKAGES = (PackageName.FETAL_HEAD, PackageName.NERVE)

Strangers = Mapping[str, Sequence[NDArray[uint8]]]


def quality(
    packages: Annotated[list[Path], typer.Argument(help="Folders of the packages to add the check to.")],
    adults: Annotated[Path, typer.Option("--adults", help="Folder of ChestX-ray14.")],
    heads: Annotated[Path, typer.Option("--heads", help="Folder of HC18.")],
    rsna: Annotated[
        Path | None, typer.Option("--rsna", help="Folder of the RSNA-normal films (chest packages only).")
    ] = None,
    children: Annotated[
        Path | None, typer.Option("--children", help="Folder of the children's films (chest packages only).")
    ] = None,
    nerves: Annotated[Path | None, typer.Option("--nerves", help="Folder of a nerve set (nerve only).")] = None,
    strangers: Annotated[
        list[Path] | None,
        typer.Option("--strangers", help="Folder of DICOM files that should not pass, to measure on. Repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed")] = 7,
) -> None:
    """Fit and measure the check in front of a model, which stops pictures that the model should not read, and add it to
    the package. Both chest packages at once take as long as one, if their models take pictures of the same size.
    """
    from leapfrog_training.quality.foreign import foreign_pictures

    loaded = {folder: load_package(folder) for folder in packages}
    chests = [folder for folder, package in loaded.items() if package.manifest.name in CHEST_PACKAGES]
    others = [folder for folder in packages if folder not in chests]
    for folder in others:
        if loaded[folder].manifest.name not in ULTRASOUND_PACKAGES:
            raise UsageError(f"there is no recipe for a quality check of {loaded[folder].manifest.name}")
    foreign = {folder.name: foreign_pictures(folder) for folder in strangers or ()}
    measured: dict[Path, Mapping[str, object]] = {}
    if chests:
        if rsna is None or children is None:
            raise UsageError("the check of a chest package is fitted to films of every source: give --rsna, --children")
        measured |= _chest(chests, adults, rsna, children, heads, foreign, seed)
    for folder in others:
        is_nerve = loaded[folder].manifest.name == PackageName.NERVE
        _require_one_size(loaded[folder], is_nerve=is_nerve)
        fitted = _nerve(adults, heads, nerves, foreign, seed) if is_nerve else _head(adults, heads, foreign, seed)
        measured[folder] = _added(folder, fitted)
    for folder, metrics in measured.items():
        typer.echo(loaded[folder].title)
        for key, value in metrics.items():
            typer.echo(f"{key}: {value}")
        if loaded[folder].signature != "none":
            typer.echo(
                "The package's signature is no longer valid and was removed. "
                f"Next: leapfrog-train sign {folder} --key FILE"
            )


def _require_one_size(package: ModelPackage, *, is_nerve: bool) -> None:
    """Raise TrainingError, before anything is fitted, for a check that the kiosk would refuse."""
    from leapfrog_training.quality import recipes

    layout, taken = recipes.NERVE if is_nerve else recipes.HEAD, package.manifest.input
    if (layout.height, layout.width) != (taken.height, taken.width):
        raise TrainingError(
            f"{package.title} takes pictures of {taken.height} x {taken.width} pixels, and its check is for"
            f" {layout.height} x {layout.width}: set the size in leapfrog_training/quality/recipes.py to the model's"
        )


def _chest(
    folders: Sequence[Path], adults: Path, rsna: Path, children: Path, heads: Path, foreign: Strangers, seed: int
) -> Mapping[Path, Mapping[str, object]]:
    from leapfrog_training.datasets.adults_rsna_normal import open_rsna_normal
    from leapfrog_training.quality.adding import add_chest_check
    from leapfrog_training.quality.chest import ChestData

    data = ChestData(
        open_chestxray14(adults),
        open_rsna_normal(rsna),
        open_data(PackageName.CHEST_CHILD, [children]),
        open_data(PackageName.FETAL_HEAD, [heads]),
    )
    return add_chest_check(folders, data, foreign, seed)


def _head(adults: Path, heads: Path, foreign: Strangers, seed: int) -> "MeasuredCheck":
    from leapfrog_training.quality.recipes import head_quality

    return head_quality(open_chestxray14(adults), open_data(PackageName.FETAL_HEAD, [heads]), foreign, seed)


def _nerve(adults: Path, heads: Path, nerves: Path | None, foreign: Strangers, seed: int) -> "MeasuredCheck":
    from leapfrog_training.quality.recipes import nerve_quality

    if nerves is None:
        raise UsageError("the check of nerve is fitted to scans of nerves: give --nerves")
    films, fetal = open_chestxray14(adults), open_data(PackageName.FETAL_HEAD, [heads])
    return nerve_quality(films, fetal, open_data(PackageName.NERVE, [nerves]), foreign, seed)


def _added(folder: Path, check: "MeasuredCheck") -> Mapping[str, object]:
    """The rates of the check, which was added to the package with them."""
    from leapfrog_training.quality.check import metrics, quality_bytes

    rates = metrics(check.fitted, check.rates)
    add_file(folder, QUALITY_NAME, quality_bytes(check.fitted.check), {QUALITY_METRICS: rates})
    return rates
