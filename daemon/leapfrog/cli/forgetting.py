"""An exam that may not be kept is forgotten on request."""

import sys
from typing import Annotated, Any

import typer

from leapfrog import tables
from leapfrog.cli.apps import app
from leapfrog.cli.options import ConfigOption, ExamArgument, JsonOption, ask
from leapfrog.cli.output import SCREEN, show
from leapfrog.errors import UsageError

FORGET_SECONDS = 300.0


@app.command()
def forget(
    exam: ExamArgument,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="TEXT", help="Why, in a few words. It is kept in the log: name no patient in it."
        ),
    ],
    although_owed: Annotated[
        bool, typer.Option("--although-owed", help="Also what nobody else has yet: it is given up.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget an exam that may not be kept, with all its images and reports; it is never taken up again."""
    if not yes:
        _ask_first(ask(config, "holdings", exam=exam), although_owed, as_json)
    done: dict[str, Any] = ask(
        config, "forget", timeout_seconds=FORGET_SECONDS, exam=exam, reason=reason, although_owed=although_owed
    )
    show(done, as_json, tables.forgotten(done), unwrapped=True)


def _ask_first(holdings: dict[str, Any], although_owed: bool, as_json: bool) -> None:
    """Ask a person, unless it will be refused anyway since something is owed. Ends the command where they say no."""
    if holdings["owed"] and not although_owed:
        return
    if as_json or not sys.stdin.isatty():
        raise UsageError("Nothing was forgotten. Without a terminal to ask on, say --yes.")
    for line in tables.to_forget(holdings):
        SCREEN.print(line, soft_wrap=True)
    if not typer.confirm("Forget it for good?"):
        raise typer.Exit(1)
