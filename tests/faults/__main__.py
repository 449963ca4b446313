"""`tests/faults/run NAME`: faults in a box at work, and a table of what came of them."""

import argparse
import importlib
import signal
import sys
import time
from pathlib import Path

from rich.console import Console

from faults.order import Order
from faults.table import NORMAL_SECONDS
from support.progress import Progress

# Each is a module of this package with `run(order) -> Table`, and `DOSE`, what it does when no number is given.
COMMANDS = ("kills", "power-cuts", "disk-errors", "faults", "chaos", "outbox-chaos", "every-byte", "prints")
RESULTS = Path(__file__).with_name("results")
DEFAULT_DIRECTORY = Path("/var/tmp")  # on a real disk: /tmp may be memory


def main() -> int:
    """Do what was asked for; exit status 1 when anything is not as promised."""
    arguments = _parse()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and what was started is ended
    console = Console(width=None if sys.stdout.isatty() else 200)
    progress = Progress(console)
    order = Order(
        directory=arguments.directory,
        progress=progress,
        seed=arguments.seed,
        count=arguments.count,
        minutes=arguments.minutes,
        only=tuple(arguments.only),
        normal_seconds=arguments.normal_within,
        at_once=arguments.at_once,
    )
    table = importlib.import_module(f"faults.{arguments.name.replace('-', '_')}").run(order)
    table.show(console)
    progress.say(f"The table is in {table.write(arguments.results)}.")
    return 0 if table.as_promised else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/faults/run", description=__doc__)
    parser.add_argument("name", choices=COMMANDS)
    dose = parser.add_mutually_exclusive_group()
    dose.add_argument("--count", type=int, help="how often (default: the command's own dose)")
    dose.add_argument("--minutes", type=float, help="for how long")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="for the same faults again")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORDS",
        help="only faults with these words in their name; may be given several times",
    )
    parser.add_argument(
        "--normal-within",
        type=float,
        default=NORMAL_SECONDS,
        metavar="SECONDS",
        help="how soon receiving must be normal again (%(default)g); more on a machine that has other work",
    )
    parser.add_argument(
        "--at-once",
        type=int,
        default=2,
        metavar="N",
        help="boxes at work at the same time, for `disk-errors` and `faults` (%(default)s)",
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FOLDER", help="where the table goes (%(default)s)"
    )
    parser.add_argument(
        "--directory", type=Path, default=DEFAULT_DIRECTORY, help="where to work: a short path (%(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
