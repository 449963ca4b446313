"""`tests/district/run`: a night of many boxes at a district's server, and a table of what came of it."""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from district.parcels import make_parcels
from district.table import Row, Table
from district.trial import NIGHTS, Trial
from support.district import District, why_no_district
from support.machine import describe
from support.progress import Progress

RESULTS = Path(__file__).with_name("results")
SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
DEFAULT_DIRECTORY = Path("/var/tmp")  # on a real disk: /tmp may be memory


def main() -> int:
    """Do what was asked for; exit status 1 when anything is not as promised."""
    arguments = _parse()
    reason = why_no_district() or ("" if SHARED_DATA.is_dir() else f"the real images are not at {SHARED_DATA}")
    if reason:
        print(f"tests/district/run: {reason}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and what was started is ended
    console = Console(width=None if sys.stdout.isatty() else 250)
    progress = Progress(console)
    with tempfile.TemporaryDirectory(prefix="lf.", dir=arguments.directory) as folder:
        Path(folder).chmod(0o755)
        films = Path(folder) / "films"
        films.mkdir()
        parcels = make_parcels(films, SHARED_DATA)
        originals = [one.path.stat().st_size / 1000 for one in parcels if one.kind == "original"]
        results = [one.path.stat().st_size / 1000 for one in parcels if one.kind == "result"]
        dose = (
            f"{arguments.boxes} boxes with {arguments.exams} exams each, of {len(results)} results"
            f" ({sum(results):.0f} kB) and an original ({sum(originals) / len(originals):.0f} kB on average);"
            f" a third of the exams end within {arguments.seconds:g} s, the others are owed from the start"
        )
        table = Table(describe(arguments.directory), dose)
        machine = Path(folder) / "machine"
        machine.mkdir()
        with District(machine, on_disk=True) as district:
            progress.say("set-up")
            district.set_up("--requests", "10000")
            trial = Trial(district, arguments.boxes, parcels)
            trial.start_alone()
            for server, faults in NIGHTS:
                progress.say(f"a night at {server.name}")
                table.rows.append(Row(trial.spend(server, faults, arguments.exams, arguments.seconds, progress.say)))
                table.write(arguments.results, arguments.name)
            progress.say("back to the newest mark")
            table.needs = trial.needs()
            table.write(arguments.results, arguments.name)
            district.do("district-check", "--digests")
    table.show(console)
    progress.say(f"The table is in {arguments.results / arguments.name}.md.")
    return 0 if table.as_promised else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/district/run", description=__doc__)
    parser.add_argument("--boxes", type=int, default=50, help="how many (%(default)d)")
    parser.add_argument("--exams", type=int, default=18, help="of each box, in a night (%(default)d)")
    parser.add_argument("--seconds", type=float, default=15, help="within which a third of them ends (%(default)g)")
    parser.add_argument("--name", default="night", help="of the table (%(default)s)")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FOLDER", help="where the table goes (%(default)s)"
    )
    parser.add_argument(
        "--directory", type=Path, default=DEFAULT_DIRECTORY, help="where to work: a real disk (%(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
