"""`leapfrog-train keys` and `leapfrog-train sign`."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog_training.packaging.signing import make_keys, read_private_key, sign_package


def keys(
    out: Annotated[Path, typer.Option("--out", help="Folder for the two keys. Existing files are never overwritten.")],
) -> None:
    """Make a pair of keys for signing packages: a private key for you, a public key for the kiosks."""
    private_file, public_file = make_keys(out)
    typer.echo(f"{private_file} signs packages: keep it where nobody else can read it, and back it up.")
    typer.echo(f"{public_file} is for the kiosks: name it in models.trusted_keys of their settings.")


def sign(
    package: Annotated[Path, typer.Argument(help="Folder of the finished package.")],
    key: Annotated[Path, typer.Option("--key", help="Private key, made by `keys`.")],
) -> None:
    """Sign a finished package. Any later change makes the signature invalid."""
    sign_package(package, read_private_key(key))
    typer.echo(f"Signed {package}")
