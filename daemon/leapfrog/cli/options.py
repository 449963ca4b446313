"""Options that several commands have, and how a command gets its settings and asks the daemon."""

from pathlib import Path
from typing import Annotated, Any

import typer

from leapfrog.settings import OLDEST_YEARS, Settings, default_file, load_settings

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file. Default: /etc/leapfrog/leapfrog.toml if it exists, else the built-in defaults.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
LimitOption = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="List at most so many.")]
AgeOption = Annotated[
    int | None,
    typer.Option(
        metavar="YEARS",
        help="The patient's age in completed years, for images that do not give it.",
        min=0,
        max=OLDEST_YEARS,
    ),
]
ExamArgument = Annotated[
    str,
    typer.Argument(metavar="EXAM", help="The exam, by its number, such as K7-42F, or the folder of its report."),
]


def settings_of(config: Path | None) -> Settings:
    """The settings in that file, or in the default one."""
    return load_settings(config or default_file())


def ask(config: Path | None, command: str, **arguments: Any) -> Any:
    """The answer of the daemon or, when no daemon is running, of the same command on the state directory."""
    from leapfrog.control.asking import run_command  # each command loads only what it needs

    return run_command(settings_of(config), command, **arguments)
