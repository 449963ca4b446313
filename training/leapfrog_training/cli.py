"""The command `leapfrog-train`.

TensorFlow takes seconds to import and is optional: only commands that need it import it, and only when they do.
"""

import logging
import sys

import typer

from leapfrog.errors import LeapfrogError, UsageError
from leapfrog_training.commands.check import check, published
from leapfrog_training.commands.compile import compile_models
from leapfrog_training.commands.evaluate import evaluate
from leapfrog_training.commands.package import package
from leapfrog_training.commands.phantoms import phantoms
from leapfrog_training.commands.quality import quality
from leapfrog_training.commands.rebuild import rebuild
from leapfrog_training.commands.sign import keys, sign
from leapfrog_training.commands.table import table
from leapfrog_training.commands.train import fit, quantize, train

app = typer.Typer(help="Makes the models that Leapfrog runs.", no_args_is_help=True, add_completion=False)
for command in (
    rebuild,
    train,
    fit,
    quantize,
    evaluate,
    check,
    package,
    keys,
    sign,
    quality,
    phantoms,
    published,
    table,
):
    app.command()(command)
app.command("compile")(compile_models)


def main() -> None:
    """Run the command. A known error prints one sentence and exits with status 1, or with 2 for wrong usage."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        app()
    except LeapfrogError as error:
        typer.echo(f"leapfrog-train: {error}", err=True)
        raise SystemExit(2 if isinstance(error, UsageError) else 1) from error
