"""`tests/end_to_end/whole_district/run`: two boxes and their district, by link and by stick, and kills."""

import argparse
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from end_to_end.whole_district import table
from end_to_end.whole_district.day import live, why_not
from end_to_end.whole_district.exams import Dose, shared_images
from support.machine import describe
from support.progress import Progress

RESULTS = Path(__file__).with_name("results")
DEFAULT_DIRECTORY = Path("/var/tmp")  # on a real disk: /tmp may be memory
FULL = Dose(films=16, ultrasound=8, loops=4, urgent=4, late=6)


def main() -> int:
    """Live through it; exit status 1 when anything is not as promised."""
    arguments = _parse()
    dose = replace(FULL, **{name: getattr(arguments, name) for name in vars(FULL)})
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and what was started is ended
    console = Console(width=None if sys.stdout.isatty() else 170)
    progress = Progress(console)
    with tempfile.TemporaryDirectory(prefix="lf.", dir=arguments.directory) as folder:
        directory = Path(folder)
        directory.chmod(0o755)
        if reason := why_not(directory):
            print(f"tests/end_to_end/whole_district/run: {reason}", file=sys.stderr)
            return 2
        machine = describe(directory)
        images = shared_images()
        outcome = live(directory, dose, images, progress.say)
    table.show(outcome, console)
    table.write(outcome, dose.described(with_real=images is not None), machine, arguments.results, arguments.name)
    if arguments.page and outcome.fleet is not None:
        arguments.page.write_text(outcome.fleet.html, encoding="utf-8")
    progress.say(f"The table is in {arguments.results / arguments.name}.md.")
    return 1 if outcome.broken_promises else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/end_to_end/whole_district/run", description=__doc__)
    for name, count in vars(FULL).items():
        parser.add_argument(f"--{name}", type=int, default=count, help="such exams of each clinic (%(default)d)")
    parser.add_argument("--name", default="whole_district", help="of the table (%(default)s)")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FOLDER", help="where the table goes (%(default)s)"
    )
    parser.add_argument(
        "--directory", type=Path, default=DEFAULT_DIRECTORY, help="where to work: a real disk (%(default)s)"
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="keep the page of the fleet there, to look at")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
