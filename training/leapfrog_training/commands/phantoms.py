"""`leapfrog-train phantoms`."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog_training.commands.options import DataOption, open_data
from leapfrog_training.files import write_whole
from leapfrog_training.run.folder import PackageName


def phantoms(
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", help="File to write, such as chest_model.npz.")],
) -> None:
    """Fit the low-rank model of chest films that the demonstration's phantoms are sampled from."""
    from leapfrog_training.chest.phantom_model import chest_model_bytes, fit_chest_model
    from leapfrog_training.datasets.images import read_gray

    films = open_data(PackageName.CHEST_FINDINGS, data).in_split("train")
    model = fit_chest_model([read_gray(film.path) for film in films], [film.labels for film in films])
    write_whole(out, chest_model_bytes(model))
    typer.echo(f"Wrote {out}, fitted to {len(films)} films")
