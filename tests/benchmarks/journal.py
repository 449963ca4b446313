"""What `status` and taking the next instance cost with a hundred and with 100,000 instances in the journal."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from benchmarks.parts import Run
from benchmarks.receivers import remove
from benchmarks.results import Results, at_most
from leapfrog.state.instances import Instances
from leapfrog.state.journal import JOURNAL_NAME, Journal
from support.journal_rows import fill, new_instance
from support.kiosk import Kiosk
from support.progress import Progress

ROW_COUNTS = (100, 100_000)
REPEATS = 200
SETTLE_SECONDS = 3.0  # a daemon that has just started is busy with other things
GROUP = f"With {ROW_COUNTS[1]:,} instances in the journal"
GROWTH = at_most(1.25)  # "none", as far as a clock can tell


def measure(run: Run) -> None:
    """Both steps with few and with many rows, in turn, since a disk's speed changes from minute to minute."""
    kiosks = [Kiosk(run.directory / f"box-{count}") for count in ROW_COUNTS]
    with ExitStack() as stack:
        journals = [_filled(kiosk, count, run.progress) for kiosk, count in zip(kiosks, ROW_COUNTS, strict=True)]
        run.progress.say("taking the next instance")
        _add(
            run.results,
            "taking the next instance",
            _milliseconds_in_turn([Instances(one).begin_attempt for one in journals]),
        )
        for journal in journals:
            _leave_nothing_to_read(journal)
        for kiosk in kiosks:
            stack.enter_context(kiosk).wait_until_ready()
        time.sleep(SETTLE_SECONDS)
        run.progress.say("status")
        _add(run.results, "status", _milliseconds_in_turn([kiosk.status for kiosk in kiosks]))
    for kiosk in kiosks:
        remove(kiosk.directory)


def _filled(kiosk: Kiosk, count: int, progress: Progress) -> Journal:
    progress.say(f"filling a journal with {count:,} instances")
    kiosk.state_dir.mkdir(parents=True)
    journal = Journal(kiosk.state_dir / JOURNAL_NAME)
    fill(journal, count)
    for _ in range(REPEATS):
        Instances(journal).add(new_instance())
    return journal


def _leave_nothing_to_read(journal: Journal) -> None:
    with journal.transaction() as connection:
        connection.execute("UPDATE instances SET state = 'forward_only', attempt_open = 0 WHERE state = 'received'")
    journal.close()


def _milliseconds_in_turn(steps: Sequence[Callable[[], object]]) -> list[list[float]]:
    samples: list[list[float]] = [[] for _ in steps]
    for _ in range(REPEATS):
        for step, taken in zip(steps, samples, strict=True):
            began = time.perf_counter()
            step()
            taken.append((time.perf_counter() - began) * 1000)
    return samples


def _add(results: Results, name: str, samples: list[list[float]]) -> None:
    few, many = (
        results.add_median(GROUP, f"{name}, {count:,} rows", taken, "ms")
        for count, taken in zip(ROW_COUNTS, samples, strict=True)
    )
    results.add_median(GROUP, f"{name}, growth", [many / few], "x", GROWTH)
