"""What runs at the district, where there is no box: it needs neither a daemon nor a state directory."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog.cli.apps import app
from leapfrog.cli.exit_status import EXIT_FAILED
from leapfrog.cli.options import JsonOption
from leapfrog.cli.output import screen_unless, show
from leapfrog.commands.district_places import BOXES, KEY_FILE, STATIONS
from leapfrog.errors import UsageError

DISTRICT_HELP = "Default: where config/district/set-up puts it."


@app.command()
def receive(
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="The stick, where it is mounted."),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            metavar="URL",
            help="The DICOMweb root of the server; again for others that lead to the same. Default: the Orthancs that"
            " config/district/set-up made of this machine.",
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help=f"The district's secret key. {DISTRICT_HELP}")
    ] = None,
    stations: Annotated[
        Path | None,
        typer.Option("--stations", metavar="DIR", help=f"Public keys of known boxes: NAME.pem. {DISTRICT_HELP}"),
    ] = None,
    receipts: Annotated[
        Path | None,
        typer.Option("--receipts", metavar="DIR", help=f"Where each receipt is kept, too. {DISTRICT_HELP}"),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option("--boxes", metavar="DIR", help=f"Where boxes' states lie for `leapfrog fleet`. {DISTRICT_HELP}"),
    ] = None,
    public_key: Annotated[
        bool,
        typer.Option("--public-key", help="Only print the line that boxes need, and make the key if there is none."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """At the district: take what boxes wrote on a stick, and give receipts. Exit status 1: something is left."""
    from leapfrog.commands.receive.command import Places, receive
    from leapfrog.commands.receive.servers_here import roots_of
    from leapfrog.district_key import district_key

    if public_key:
        line = str(district_key(key or KEY_FILE).public)
        show({"public_key": line}, as_json, [line], unwrapped=True)
        return
    if directory is None:
        raise UsageError("Name the folder where the stick is mounted, such as /media/STICK.")
    chosen = {"key_file": key, "stations": stations, "receipts": receipts, "boxes": boxes}
    places = Places(**{name: path for name, path in chosen.items() if path is not None})
    received = receive(directory, roots_of(to), places, screen_unless(as_json))
    show(received.as_json(), as_json, received.lines(), unwrapped=True)
    if not received.all_taken:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def fleet(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the page and Prometheus' textfile.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the boxes leave their states.")] = BOXES,
    stations: Annotated[
        Path, typer.Option("--stations", metavar="DIR", help="The public keys of the boxes, one file each.")
    ] = STATIONS,
    as_json: JsonOption = False,
) -> None:
    """At the district: which boxes need somebody, with what and what to do, as a page and for Prometheus."""
    from leapfrog.commands.fleet.command import show_fleet

    outcome = show_fleet(folder, out, stations)
    show(outcome.as_json() if as_json else None, as_json, outcome.lines(), unwrapped=True)
