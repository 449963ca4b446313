"""`tests/benchmarks/run`: everything that the box promises in numbers, measured here and now."""

import argparse
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from types import FrameType

import pytest
from rich.console import Console

from benchmarks.against.comparison import FEWEST_ROUNDS
from benchmarks.against.findings import NOT_COMPARED, Findings
from benchmarks.against.side_by_side import SideBySide
from benchmarks.against.versions import NoSuchVersion, laid_out, this_checkout
from benchmarks.leavings import nothing_left
from benchmarks.parts import PARTS, Run
from benchmarks.results import Results
from support.machine import describe
from support.progress import Progress

# On a real disk: /tmp may be memory, where nothing is durable and everything is quick.
DEFAULT_DIRECTORY = Path("/var/tmp")
ROUNDS, ROUNDS_AGAINST = 3, 5
DOSE_AGAINST = 0.2
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AIM_MISSED, BROKE = 1, 2  # exit statuses


def main() -> int:
    """Run what was asked for; exit status 1 when an aim was missed, or something became slower; 2 when something could
    not be measured or compared that should have been.
    """
    arguments = _parse()
    for number in ENDING:
        signal.signal(number, _end)
    console = Console(width=None if sys.stdout.isatty() else 170)
    # A short name: it becomes part of those of sockets, which have an end after a hundred bytes.
    directory = Path(tempfile.mkdtemp(prefix="leapfrog-", dir=arguments.directory)).resolve()
    with nothing_left(directory):
        try:
            if arguments.against:
                return _compare(arguments, directory, console)
            return _measure(arguments, directory, console)
        except NoSuchVersion as problem:
            print(problem)
            return NOT_COMPARED


def _end(number: int, _frame: FrameType | None) -> None:
    """End, but only once what was started is stopped: nothing interrupts that."""
    for one in ENDING:
        signal.signal(one, lambda *_: None)
    print("Ends before its end: stopping what was started, removing what was written.", file=sys.stderr)
    sys.exit(128 + number)


def _measure(arguments: argparse.Namespace, directory: Path, console: Console) -> int:
    results = Results(describe(directory))
    dose, rounds = arguments.dose or 1.0, arguments.rounds or ROUNDS
    progress = Progress(console)
    try:
        for name in arguments.only or PARTS:
            place = directory / name
            place.mkdir()
            _measure_part(name, Run(results, place, dose, rounds, not arguments.no_peers, progress))
    finally:  # whoever waited half an hour and then ends it has at least the numbers of that half hour
        results.show(console)
        if arguments.json:
            results.write(arguments.json)
    if results.broke:
        return BROKE
    return AIM_MISSED if results.missed() else 0


def _measure_part(name: str, run: Run) -> None:
    """Whatever befalls one part, the others have numbers."""
    try:
        with nothing_left(run.directory):
            PARTS[name].measure(run)
    except pytest.skip.Exception as missing:  # as a test would be skipped for a program that is not installed
        run.results.omit(name, str(missing))
    except Exception as problem:
        traceback.print_exc(file=sys.stdout)
        run.results.omit(name, _in_a_line(problem), broke=True)
    except SystemExit:
        run.results.omit(name, "ended before its end, like all that comes after it", broke=True)
        raise


def _in_a_line(problem: BaseException) -> str:
    """What happened, at its end: a box that does not start brings its log along, and the last line says why."""
    last = str(problem).strip().rpartition("\n")[2]
    return f"{type(problem).__name__}: {last}" if last else type(problem).__name__


def _compare(arguments: argparse.Namespace, directory: Path, console: Console) -> int:
    dose, rounds = arguments.dose or DOSE_AGAINST, arguments.rounds or ROUNDS_AGAINST
    parts = arguments.only or [name for name, part in PARTS.items() if part.repeated]
    with laid_out(arguments.against, directory) as before, this_checkout(directory) as now:
        for key, value in describe(directory).items():
            console.print(f"{key}: {value}")
        if lacking := before.other_packages():
            console.print(f"{before.name} asks for packages that are not here: {', '.join(lacking)}.")
        beside = SideBySide(before, now, directory, dose, rounds, Progress(console))
        compared = [beside.compare(part) for part in parts]
    findings = Findings(before.name, now.what, f"{rounds} rounds of each version, dose {dose:g}", compared)
    findings.show(console)
    if arguments.json:
        findings.write(arguments.json)
    return findings.exit_status


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
        " (exit status 1; 2 when a part could not be compared); without --only, those parts that take less than a"
        " minute",
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
    if not arguments.directory.is_dir():
        parser.error(f"{arguments.directory} is no folder to work in")
    if arguments.json and not arguments.json.absolute().parent.is_dir():
        parser.error(f"there is no folder for {arguments.json}")
    if any(number is not None and number <= 0 for number in (arguments.dose, arguments.rounds)):
        parser.error("--dose and --rounds must be more than nothing")
    if arguments.against and (arguments.rounds or ROUNDS_AGAINST) < FEWEST_ROUNDS:
        parser.error(f"--against needs --rounds {FEWEST_ROUNDS} at least: fewer do not tell how large the noise is")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
