"""`tests/properties/run`: a box's state in any order of events, and a table of what came to pass."""

import argparse
import logging
import sys
import time
import traceback
from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test
from rich.console import Console

from properties.invariants import INVARIANTS, the_journal_from_the_spool_has_the_same_instances
from properties.machine import HAPPENED, BoxMachine
from support.machine import describe
from support.progress import Progress

RESULTS = Path(__file__).with_name("results")
BOXES_AT_ONCE = 20  # between two looks at the clock


def main() -> int:
    """Run for so long; exit status 1 when an invariant did not hold."""
    arguments = _parse()
    logging.disable(logging.ERROR)  # what goes wrong here goes wrong on purpose
    progress = Progress(Console(width=None if sys.stdout.isatty() else 160))
    until = time.monotonic() + 60 * arguments.minutes
    broken = ""
    while time.monotonic() < until and not broken:
        broken = _some_boxes(arguments.events)
        progress.say(f"{HAPPENED['boxes']} boxes, {HAPPENED['events']:,} events, {HAPPENED['starts']:,} starts")
    path = _write(arguments, broken)
    progress.say(f"{broken or 'Every invariant held.'} What came to pass is in {path}.")
    return 1 if broken else 0


def _some_boxes(events: int) -> str:
    """Try some boxes with so many events each. Returns what did not hold, with the events that led to it."""
    chosen = settings(
        max_examples=BOXES_AT_ONCE,
        stateful_step_count=events,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.normal,
    )
    try:
        run_state_machine_as_test(BoxMachine, settings=chosen)
    except Exception as problem:
        return "".join(traceback.format_exception(problem))
    return ""


def _write(arguments: argparse.Namespace, broken: str) -> Path:
    names = [one.__name__ for one in (*INVARIANTS, the_journal_from_the_spool_has_the_same_instances)]
    lines = [
        "# properties",
        "",
        f"{date.today():%d %B %Y}. Dose: {arguments.minutes:g} minutes, in the order of chance.",
    ]
    lines += ["", *(f"- {key}: {value}" for key, value in describe(Path("/var/tmp")).items()), ""]
    lines += ["| what came to pass | how often |", "| --- | --- |"]
    lines += [f"| {what} | {count:,} |" for what, count in HAPPENED.items()]
    lines += ["", "What held after each event (`invariants.py`):", "", *(f"- {one.replace('_', ' ')}" for one in names)]
    lines += ["", f"Broken: {broken or 'none'}", ""]
    arguments.results.mkdir(parents=True, exist_ok=True)
    path: Path = arguments.results / "properties.md"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/properties/run", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0, help="for how long (%(default)g)")
    parser.add_argument("--events", type=int, default=40, help="of one box (%(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="where the table goes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
