"""`leapfrog-train phantoms`."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog_training.commands.options import with_problems_told
from leapfrog_training.files import write_whole


def phantoms(
    data: Annotated[Path, typer.Option("--data", help="Folder of ChestX-ray14, in its published layout.")],
    out: Annotated[Path, typer.Option("--out", help="File to write, such as chest_model.npz.")],
) -> None:
    """Fit the low-rank model of chest films that the demonstration's phantoms are sampled from."""
    from leapfrog_training.chest.phantom_model import chest_model_bytes, fit_chest_model
    from leapfrog_training.datasets.chestxray14 import open_chestxray14
    from leapfrog_training.datasets.images import read_gray

    films = with_problems_told(open_chestxray14(data)).in_split("train")
    model = fit_chest_model([read_gray(film.path) for film in films], [film.labels for film in films])
    write_whole(out, chest_model_bytes(model))
    typer.echo(f"Wrote {out}, fitted to {len(films)} films")
