"""`leapfrog-train package`."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog.errors import UsageError
from leapfrog.packages.package import FLOAT_MODEL_NAME
from leapfrog.packages.version import is_version
from leapfrog_training.commands.options import RunArgument
from leapfrog_training.edge_tpu_fit.fit import require_whole_mapping
from leapfrog_training.packaging.package import add_file
from leapfrog_training.packaging.signing import read_private_key, sign_package
from leapfrog_training.run.folder import SHIPPED_SEED, open_run
from leapfrog_training.tasks import TASKS


def package(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", help="Folder of the package; its contents are replaced.")],
    version: Annotated[
        str, typer.Option("--version", help="Version of the package; must be higher than the one in --out.")
    ] = "0.1.0",
    key: Annotated[Path | None, typer.Option("--key", help="Private key to sign with, made by `keys`.")] = None,
    allow_cpu_ops: Annotated[
        bool, typer.Option("--allow-cpu-ops", help="Accept a model of which a part would run on the CPU.")
    ] = False,
    with_float: Annotated[
        bool, typer.Option("--with-float", help="Add the float model, so that `leapfrog bench` can compare them.")
    ] = False,
) -> None:
    """Write the package of an evaluated run: model, hashes, scores and card. With --key, sign it."""
    if not is_version(version):
        raise UsageError(f"--version {version} is not a version such as 1.2.0 or 1.3.0-rc.1")
    signer = None if key is None else read_private_key(key)
    opened = open_run(run)
    if not allow_cpu_ops and opened.evaluation.exists():
        require_whole_mapping(opened.seed(SHIPPED_SEED).int8)
    TASKS[opened.notes.package].package(opened, out, version)
    if with_float:
        add_file(out, FLOAT_MODEL_NAME, opened.seed(SHIPPED_SEED).float32.read_bytes())
    if signer is not None:
        sign_package(out, signer)
    typer.echo(f"Wrote {opened.notes.package} {version} to {out}")
