"""The command line with all its commands: each file beside this one has those of one kind."""

from typing import Annotated

import typer

from leapfrog.cli import (
    actions,
    bundles,
    district,
    exams,
    forgetting,
    keeping,
    reading,
    running,
    stick,
)
from leapfrog.cli.apps import app
from leapfrog.cli.output import SCREEN

__all__ = [
    "actions",
    "app",
    "bundles",
    "district",
    "exams",
    "forgetting",
    "keeping",
    "reading",
    "running",
    "stick",
]

# `leapfrog --help` lists what is used every day first.
_IN_ORDER = [one.__name__ for one in (running, exams, stick, reading, keeping, forgetting, actions, bundles, district)]
app.registered_commands.sort(key=lambda one: _IN_ORDER.index(getattr(one.callback, "__module__", running.__name__)))


def _show_version(requested: bool) -> None:
    if requested:
        from leapfrog import __version__  # is read only when it is asked for

        SCREEN.print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Handle the options that come before a command."""
