"""`tests/benchmarks/run`: everything that the box promises in numbers, measured here and now."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.parts import PARTS, Run
from benchmarks.results import Results
from support.machine import describe
from support.progress import Progress

# On a real disk: /tmp may be memory, where nothing is durable and everything is quick.
DEFAULT_DIRECTORY = Path("/var/tmp")


def main() -> int:
    """Run what was asked for; exit status 1 when an aim was missed."""
    arguments = _parse()
    console = Console(width=None if sys.stdout.isatty() else 170)
    directory = Path(tempfile.mkdtemp(prefix="leapfrog-benchmark-", dir=arguments.directory))
    try:
        results = Results(describe(directory))
        run = Run(results, directory, arguments.dose, arguments.rounds, not arguments.no_peers, Progress(console))
        for name in arguments.only or PARTS:
            PARTS[name].measure(run)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    results.show(console)
    if arguments.json:
        results.write(arguments.json)
    return 1 if results.missed() else 0


def _parse() -> argparse.Namespace:
    width = max(map(len, PARTS))
    parts = "\n".join(f"  {name:{width}}  {part.what}" for name, part in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="tests/benchmarks/run",
        description=__doc__,
        epilog=f"parts:\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(PARTS),
        metavar="PART",
        help="measure this part; may be given several times (default: all)",
    )
    parser.add_argument("--dose", type=float, default=1.0, help="a fraction of the full number of images, for a trial")
    parser.add_argument("--rounds", type=int, default=3, help="how often each server is measured; the median counts")
    parser.add_argument("--no-peers", action="store_true", help="measure the box alone, without what stands beside it")
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
