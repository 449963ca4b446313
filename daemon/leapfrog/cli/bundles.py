"""Bundles: settings and models that the district signs for its boxes."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog.cli.apps import bundle_app
from leapfrog.cli.options import ConfigOption, JsonOption, settings_of
from leapfrog.cli.output import show
from leapfrog.commands.district_places import KEY_FILE
from leapfrog.settings import default_file, settings_in_use

KeyOption = Annotated[
    Path,
    typer.Option("--key", metavar="FILE", help="The district's secret key."),
]


@bundle_app.command("make")
def make(
    out: Annotated[Path, typer.Argument(metavar="OUT.zip", help="The file to write; it must not exist yet.")],
    number: Annotated[int, typer.Option("--number", metavar="N", help="Which one: higher than any before.", min=1)],
    settings: Annotated[
        Path | None, typer.Option("--settings", metavar="FILE", help="Settings for all boxes, as in leapfrog.toml.")
    ] = None,
    models: Annotated[
        list[Path] | None,
        typer.Option("--models", metavar="DIR", help="A model package, or a folder of them; may be given repeatedly."),
    ] = None,
    key: KeyOption = KEY_FILE,
    as_json: JsonOption = False,
) -> None:
    """Make a bundle, at the district, and sign it with its key."""
    from leapfrog.bundles.making import make_bundle
    from leapfrog.commands.bundle import secret_key

    made = make_bundle(out, number, settings, models or [], secret_key(key))
    answer = {
        "path": str(made.path),
        "number": made.number,
        "byte_count": made.byte_count,
        "settings": made.settings,
        "packages": made.packages,
    }
    show(answer, as_json, made.sentences, unwrapped=True)


@bundle_app.command("check")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle.")],
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="At the district: its key. Without, as this box does.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check whether a bundle is the district's, whole, and newer than what this box has had."""
    from leapfrog.commands.bundle import check as check_bundle

    answer, lines = check_bundle(file, settings_of(config), key)
    show(answer, as_json, lines, unwrapped=True)


@bundle_app.command("status")
def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show which bundle this box uses, how it came to it, and what of the bundle counts here."""
    from leapfrog.commands.bundle import status as bundle_status

    answer, lines = bundle_status(settings_in_use(config or default_file()))
    show(answer, as_json, lines, unwrapped=True)


@bundle_app.command("rollback")
def rollback(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Leave the bundle in use and go back to the one before; a running daemon starts again by itself."""
    from leapfrog.commands.bundle import roll_back

    outcome, lines = roll_back(settings_of(config))
    show(outcome, as_json, lines, unwrapped=True)
