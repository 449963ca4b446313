"""`tests/benchmarks/run`: everything that the box promises in numbers, measured here and now."""

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.against.comparison import FEWEST_ROUNDS
from benchmarks.against.side_by_side import Judged, SideBySide, show, write
from benchmarks.against.versions import NoSuchVersion, laid_out, this_checkout
from benchmarks.parts import PARTS, Run
from benchmarks.results import Results
from support.machine import describe
from support.progress import Progress

# On a real disk: /tmp may be memory, where nothing is durable and everything is quick.
DEFAULT_DIRECTORY = Path("/var/tmp")
ROUNDS, ROUNDS_AGAINST = 3, 5
DOSE_AGAINST = 0.2


def main() -> int:
    """Run what was asked for; exit status 1 when an aim was missed, or something became slower."""
    arguments = _parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that servers are stopped
    console = Console(width=None if sys.stdout.isatty() else 170)
    directory = Path(tempfile.mkdtemp(prefix="leapfrog-benchmark-", dir=arguments.directory))
    try:
        if arguments.against:
            return _compare(arguments, directory, console)
        return _measure(arguments, directory, console)
    except NoSuchVersion as problem:
        console.print(str(problem))
        return 2
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _measure(arguments: argparse.Namespace, directory: Path, console: Console) -> int:
    results = Results(describe(directory))
    dose, rounds = arguments.dose or 1.0, arguments.rounds or ROUNDS
    run = Run(results, directory, dose, rounds, not arguments.no_peers, Progress(console))
    for name in arguments.only or PARTS:
        PARTS[name].measure(run)
    results.show(console)
    if arguments.json:
        results.write(arguments.json)
    return 1 if results.missed() else 0


def _compare(arguments: argparse.Namespace, directory: Path, console: Console) -> int:
    dose, rounds = arguments.dose or DOSE_AGAINST, arguments.rounds or ROUNDS_AGAINST
    parts = arguments.only or [name for name, part in PARTS.items() if part.repeated]
    numbers: list[Judged] = []
    remarks: list[str] = []
    with laid_out(arguments.against, directory) as before:
        if lacking := before.other_packages():
            remarks.append(f"{before.name} asks for packages that are not here: {', '.join(lacking)}.")
        now = this_checkout()
        beside = SideBySide(before, now, directory, dose, rounds, Progress(console))
        for part in parts:
            more, why_not = beside.compare(part)
            numbers += more
            remarks += why_not
    for key, value in describe(directory).items():
        console.print(f"{key}: {value}")
    show(console, before.name, now.name, numbers)
    for remark in remarks:
        console.print(remark)
    if arguments.json:
        write(arguments.json, before.name, now.name, numbers, remarks)
    worse = [one.comparison.name for one in numbers if one.verdict == "worse"]
    console.print(f"Worse by more than the noise: {'; '.join(worse) or 'nothing'}.")
    return 1 if worse else 0


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
    parser.add_argument(
        "--dose",
        type=float,
        help=f"a fraction of the full number of images, for a trial (1.0; against another version {DOSE_AGAINST})",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        help=f"how often each server or version is measured ({ROUNDS}; against another version {ROUNDS_AGAINST})",
    )
    parser.add_argument(
        "--against",
        metavar="COMMIT",
        help="measure this checkout and that version of it in turn, and say what became worse by more than the noise"
        " (exit status 1); without --only, those parts that take less than a minute",
    )
    parser.add_argument("--no-peers", action="store_true", help="measure the box alone, without what stands beside it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to FILE")
    parser.add_argument(
        "--directory",
        type=Path,
        default=DEFAULT_DIRECTORY,
        help="where to work: on the disk that is meant (%(default)s)",
    )
    arguments = parser.parse_args()
    if arguments.against and (arguments.rounds or ROUNDS_AGAINST) < FEWEST_ROUNDS:
        parser.error(f"--against needs --rounds {FEWEST_ROUNDS} at least: fewer do not tell how large the noise is")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
