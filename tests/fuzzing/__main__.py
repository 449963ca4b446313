"""`tests/fuzzing/run`: made-up bytes for every place that reads what a stranger wrote, and a table of what broke."""

import argparse
import importlib.util
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from fuzzing import table
from fuzzing.campaign import Campaign, Outcome, keep
from fuzzing.targets import NAMES
from support.machine import describe
from support.progress import Progress

RESULTS = Path(__file__).with_name("results")
NO_ATHERIS = (
    "tests/fuzzing/run: atheris is not installed. It has wheels for x86-64 and Python 3.11 to 3.13; elsewhere the tests"
    " replay the inputs that are kept."
)


def main() -> int:
    """Fuzz; exit status 1 when anything broke."""
    arguments = _parse()
    if importlib.util.find_spec("atheris") is None:
        print(NO_ATHERIS, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and the scratch folder is removed
    console = Console(width=None if sys.stdout.isatty() else 160)
    progress = Progress(console)
    names = arguments.target or list(NAMES)
    with tempfile.TemporaryDirectory(prefix="leapfrog-fuzzing-", dir=arguments.directory) as folder:
        outcomes: list[Outcome] = []
        campaign = Campaign(Path(folder), 60 * arguments.minutes, arguments.seed)
        for outcomes in campaign.run(names, arguments.at_once):
            progress.say(" | ".join(_short(one) for one in outcomes if one.executed) or "starting")
        return _finish(arguments, outcomes, progress)


def _finish(arguments: argparse.Namespace, outcomes: list[Outcome], progress: Progress) -> int:
    if arguments.keep:
        for one in outcomes:
            gained, found = keep(one)
            progress.say(f"{one.target}: {gained} inputs gained, {found} finds kept.")
    dose = f"{arguments.minutes:g} minutes a target, {arguments.at_once} at once; seed {arguments.seed}"
    path = arguments.results / "fuzzing.md"
    table.write(outcomes, path, dose, describe(arguments.directory))
    for one in outcomes:
        progress.say(f"{_short(one)} {one.said}")
        for find in one.finds:
            said = find.with_name(f"{find.name}.txt")
            progress.say(
                f"  {find.name}: {said.read_text().strip().splitlines()[-1] if said.exists() else 'see the log'}"
            )
    progress.say(f"The table is in {path}.")
    return 1 if any(one.finds or one.said for one in outcomes) else 0


def _short(one: Outcome) -> str:
    return f"{one.target}: {one.executed:,} inputs, {one.edges} edges, {len(one.finds)} finds"


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/fuzzing/run", description=__doc__)
    parser.add_argument("--target", action="append", choices=NAMES, help="only this one; may be given several times")
    parser.add_argument("--minutes", type=float, default=15.0, help="for each target (%(default)g)")
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="targets side by side (%(default)s)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="for the same course again")
    parser.add_argument("--keep", action="store_true", help="take new inputs and finds into the repository")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="where the table goes")
    parser.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="where to work (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
