"""`leapfrog-train keys` and `leapfrog-train sign`."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog_training.packaging.signing import make_keys, read_private_key, sign_package


def keys(
    out: Annotated[Path, typer.Option("--out", help="Folder for the pair of keys. Nothing is overwritten.")],
) -> None:
    """Make the keys to sign packages with: the private one for yourself, the public one for the kiosks."""
    private_file, public_file = make_keys(out)
    typer.echo(f"{private_file} signs packages: keep it where nobody else reads it, and keep a copy.")
    typer.echo(f"{public_file} is for the kiosks: name it in models.trusted_keys.")


def sign(
    package: Annotated[Path, typer.Argument(help="Folder of the finished package.")],
    key: Annotated[Path, typer.Option("--key", help="Private key, as `keys` makes it.")],
) -> None:
    """Sign a package. What is added to it later ends the signature."""
    sign_package(package, read_private_key(key))
    typer.echo(f"{package} is signed")
