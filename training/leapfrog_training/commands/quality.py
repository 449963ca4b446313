"""`leapfrog-train quality`."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog.errors import UsageError
from leapfrog.packages.package import QUALITY_NAME, load_package
from leapfrog_training.commands.options import open_data
from leapfrog_training.packaging.package import QUALITY_METRICS, add_file
from leapfrog_training.run.folder import PackageName


def quality(
    package: Annotated[Path, typer.Argument(help="Folder of the package to add the check to.")],
    chest: Annotated[
        Path, typer.Option("--chest", help="Folder of ChestX-ray14; for chest-child, of the children's films.")
    ],
    heads: Annotated[Path, typer.Option("--heads", help="Folder of HC18.")],
    strangers: Annotated[
        list[Path] | None,
        typer.Option("--strangers", help="Folder of DICOM files that should not pass, to measure on. Repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed")] = 7,
) -> None:
    """Fit and measure the check that a picture looks like those the model is for, and add it to the package."""
    from leapfrog_training.quality.check import metrics, quality_bytes
    from leapfrog_training.quality.foreign import foreign_pictures
    from leapfrog_training.quality.recipes import RECIPES

    loaded = load_package(package)
    name = loaded.manifest.name
    foreign = {folder.name: foreign_pictures(folder) for folder in strangers or ()}
    of_children = name == PackageName.CHEST_CHILD
    films = open_data(PackageName.CHEST_CHILD if of_children else PackageName.CHEST_FINDINGS, chest)
    pictures = open_data(PackageName.FETAL_HEAD, heads)
    if name not in RECIPES:
        raise UsageError(f"there is no recipe for a quality check of {name}")
    result = RECIPES[name](films, pictures, foreign, seed)
    measured = metrics(result.fitted, result.rates)
    add_file(package, QUALITY_NAME, quality_bytes(result.fitted.check), {QUALITY_METRICS: measured})
    for key, value in measured.items():
        typer.echo(f"{key}: {value}")
    if loaded.signature != "none":
        typer.echo(
            "The package's signature is no longer valid and was removed. "
            f"Next: leapfrog-train sign {package} --key FILE"
        )
