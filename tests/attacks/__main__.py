"""`tests/attacks/run`: attacks on a box at work, and a table of what a modality beside them noticed."""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from attacks.attacks import ATTACKS
from attacks.network import network
from attacks.siege import ALONE_FILMS, Siege
from attacks.table import Table
from support.machine import describe
from support.namespaces import why_no_namespaces
from support.progress import Progress

RESULTS = Path(__file__).with_name("results")
DEFAULT_DIRECTORY = Path("/var/tmp")  # on a real disk: /tmp may be memory
DOSE_SECONDS = 20.0


def main() -> int:
    """Do what was asked for; exit status 1 when anything is not as promised."""
    arguments = _parse()
    if reason := why_no_namespaces():
        print(f"tests/attacks/run: {reason}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and what was started is ended
    console = Console(width=None if sys.stdout.isatty() else 250)
    progress = Progress(console)
    seconds = 60 * arguments.minutes if arguments.minutes else arguments.seconds
    chosen = [name for name in ATTACKS if not arguments.only or any(words in name for words in arguments.only)]
    table = Table(
        describe(arguments.directory), f"{seconds:g} s of each attack, {arguments.films} films before it and after it"
    )
    with (
        tempfile.TemporaryDirectory(prefix="lf.", dir=arguments.directory) as folder,
        network() as made,
        Siege(Path(folder), made) as siege,
    ):
        for name in chosen:
            progress.say(name)
            table.rows.append(siege.row(name, seconds, arguments.films))
            table.write(arguments.results, arguments.name)
    table.show(console)
    progress.say(f"The table is in {arguments.results / arguments.name}.md.")
    return 0 if table.as_promised else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/attacks/run", description=__doc__)
    dose = parser.add_mutually_exclusive_group()
    dose.add_argument("--seconds", type=float, default=DOSE_SECONDS, help="how long each attack lasts (%(default)g)")
    dose.add_argument("--minutes", type=float, help="the same in minutes; 20 is the long dose")
    parser.add_argument(
        "--only", action="append", default=[], metavar="WORDS", help="only attacks with these words in their name"
    )
    parser.add_argument(
        "--films", type=int, default=ALONE_FILMS, help="stored before and after each attack (%(default)d)"
    )
    parser.add_argument("--name", default="attacks", help="of the table (%(default)s)")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FOLDER", help="where the table goes (%(default)s)"
    )
    parser.add_argument(
        "--directory", type=Path, default=DEFAULT_DIRECTORY, help="where to work: a short path (%(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
