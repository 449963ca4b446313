"""Commands of a district: all its boxes together."""

from pathlib import Path
from typing import Annotated

import typer

from leapfrog.cli.apps import app
from leapfrog.cli.options import JsonOption
from leapfrog.cli.output import show

DISTRICT_DATA = Path("/var/lib/leapfrog-district")
DISTRICT_SETTINGS = Path("/etc/leapfrog-district")


@app.command()
def fleet(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the page and Prometheus' textfile.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the boxes leave their states.")] = DISTRICT_DATA
    / "boxes",
    stations: Annotated[
        Path, typer.Option("--stations", metavar="DIR", help="The public keys of the boxes, one file each.")
    ] = DISTRICT_SETTINGS / "stations",
    as_json: JsonOption = False,
) -> None:
    """At the district: which boxes need somebody, with what and what to do, as a page and for Prometheus."""
    from leapfrog.commands.fleet.command import show_fleet

    outcome = show_fleet(folder, out, stations)
    show(outcome.as_json() if as_json else None, as_json, outcome.lines(), unwrapped=True)
