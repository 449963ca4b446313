"""`tests/clinic_day/run`: a clinic's day over a slow link, and a table of how soon its results were confirmed."""

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from clinic_day import table
from clinic_day.day import live
from clinic_day.plan import plan_day
from clinic_day.readings import read_exams
from support.machine import describe
from support.namespaces import why_no_namespaces
from support.progress import Progress
from support.shaped_link import BITS_PER_SECOND

RESULTS = Path(__file__).with_name("results")
DEFAULT_DIRECTORY = Path("/var/tmp")  # on a real disk: /tmp may be memory


def main() -> int:
    """Live through the day; exit status 1 when a result came too late, or anything was lost or doubled."""
    arguments = _parse()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and what was started is ended
    console = Console(width=None if sys.stdout.isatty() else 170)
    if why := why_no_namespaces():
        console.print(f"A shaped link cannot be made: {why}.")
        return 2
    progress = Progress(console)
    plan = plan_day(
        arguments.minutes * 60, arguments.exams_per_hour, arguments.queued, arguments.film_bytes, arguments.seed
    )
    directory = Path(tempfile.mkdtemp(prefix="lf.", dir=arguments.directory))
    try:
        progress.say("A box reads four exams; what it makes of them is what the day sends")
        readings = read_exams(directory / "readings")
        result = live(plan, directory, progress.say, arguments.bits_per_second, readings)
        machine = describe(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    shown = Table(*table.HEADINGS)
    for row in table.rows(result):
        shown.add_row(*(cell.strip("*") for cell in row))
    console.print(shown)
    for sentence in table.sentences(result):
        console.print(sentence)
    progress.say(f"The table is in {table.write(result, arguments.results, arguments.name, machine)}.")
    return 0 if table.kept_aims(result) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/clinic_day/run", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long the day is (%(default)g)")
    parser.add_argument("--exams-per-hour", type=float, default=24.0, help="how many exams come in (%(default)g)")
    parser.add_argument("--queued", type=int, default=1000, help="films that wait at the beginning (%(default)s)")
    parser.add_argument("--film-bytes", type=int, default=8_000_000, help="of each film (%(default)s)")
    parser.add_argument("--bits-per-second", type=int, default=BITS_PER_SECOND, help="of the link (%(default)s)")
    parser.add_argument("--seed", type=int, default=20, help="for the same day again (%(default)s)")
    parser.add_argument("--name", default="hour", help="of the table and the plot (%(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="where these go (%(default)s)")
    parser.add_argument("--directory", type=Path, default=DEFAULT_DIRECTORY, help="where to work (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
