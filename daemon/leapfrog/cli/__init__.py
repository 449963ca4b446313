"""The command `leapfrog`. Exit status: 0 success, 1 failure, 2 wrong usage or settings.

Each file beside this one has the commands of one kind; `apps.py` has the command itself. A command loads only what it
needs, when it runs: `status` must answer at once.
"""

import sys
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
from leapfrog.cli.output import EXIT_FAILED, EXIT_WRONG_USE, SCREEN
from leapfrog.errors import LeapfrogError, SettingsError, UsageError
from leapfrog.wording.text import harmless

__all__ = [
    "actions",
    "app",
    "bundles",
    "district",
    "exams",
    "forgetting",
    "keeping",
    "main",
    "reading",
    "running",
    "stick",
]

# `leapfrog --help` lists what is used every day first.
_IN_ORDER = [one.__name__ for one in (running, exams, stick, reading, keeping, forgetting, actions, bundles, district)]
app.registered_commands.sort(key=lambda one: _IN_ORDER.index(getattr(one.callback, "__module__", running.__name__)))


def main() -> None:
    """Run the command line. An expected error is printed to stderr as a sentence, never as a traceback."""
    try:
        app()
    except LeapfrogError as problem:
        print(f"leapfrog: {harmless(str(problem))}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_WRONG_USE if isinstance(problem, SettingsError | UsageError) else EXIT_FAILED)
    except OSError as problem:
        print(f"leapfrog: {harmless(_system_error(problem))}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def _system_error(problem: OSError) -> str:
    """What the system refused to a command, as a sentence: most often a file of the daemon's to another user."""
    what = f"{problem.filename}: {problem.strerror}." if problem.filename else f"{problem.strerror or problem}."
    if isinstance(problem, PermissionError):
        return f"{what} Run this as root, or as the user that the daemon runs as."
    return what


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
