"""`tests/benchmarks/run`: everything that the box promises in numbers, measured here and now."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks import answers, footprint, growth, ingest, journal, latency, throughput, training_data, worklist
from benchmarks.results import Results
from support.machine import describe
from support.progress import Progress

# On a real disk: /tmp may be memory, where nothing is durable and everything is quick.
DEFAULT_DIRECTORY = Path("/var/tmp")


def main() -> int:
    """Run what was asked for; exit status 1 when an aim was missed."""
    arguments = _parse()
    console = Console(width=None if sys.stdout.isatty() else 170)
    progress = Progress(console)
    directory = Path(tempfile.mkdtemp(prefix="leapfrog-benchmark-", dir=arguments.directory))
    try:
        results = Results(describe(directory))
        parts: dict[str, Callable[[], None]] = {
            "ingest": lambda: ingest.measure(results, directory, arguments.dose, arguments.rounds, progress),
            "latency": lambda: latency.measure(results, directory, arguments.dose, progress),
            "throughput": lambda: throughput.measure(results, directory, arguments.dose, progress),
            "footprint": lambda: footprint.measure(results, directory, arguments.dose, progress),
            "journal": lambda: journal.measure(results, directory, progress),
            "growth": lambda: growth.measure(results, directory, arguments.dose, progress),
            "worklist": lambda: worklist.measure(results, directory, arguments.dose, progress),
            "answers": lambda: answers.measure(results, directory, progress),
            "training-data": lambda: training_data.measure(results, directory, arguments.dose, progress),
        }
        for name in arguments.only or parts:
            parts[name]()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    results.show(console)
    if arguments.json:
        results.write(arguments.json)
    return 1 if results.missed() else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/benchmarks/run", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=[
            "ingest",
            "latency",
            "throughput",
            "footprint",
            "journal",
            "growth",
            "worklist",
            "answers",
            "training-data",
        ],
        help="measure this part; may be given several times (default: all)",
    )
    parser.add_argument("--dose", type=float, default=1.0, help="a fraction of the full number of images, for a trial")
    parser.add_argument("--rounds", type=int, default=3, help="how often each server is measured; the median counts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to FILE")
    parser.add_argument(
        "--directory",
        type=Path,
        default=DEFAULT_DIRECTORY,
        help="where to work: on the disk that is meant (%(default)s)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
