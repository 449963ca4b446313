"""What `status` and taking the next instance cost with a hundred and with 100,000 instances in the journal."""

import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.progress import Progress
from benchmarks.receivers import remove
from benchmarks.results import Results, at_most
from leapfrog.commands import JOURNAL_NAME
from leapfrog.journal import Journal
from support.journal_rows import fill, new_instance
from support.kiosk import Kiosk
from support.waiting import wait_until

SMALL, LARGE = 100, 100_000
REPEATS = 100
SETTLE_SECONDS = 3.0  # a daemon that has just started is busy with other things
GROUP = f"With {LARGE:,} instances in the journal"
GROWTH = at_most(1.5)  # "none", as far as a clock can tell


def measure(results: Results, directory: Path, progress: Progress) -> None:
    """Both steps with few and with many rows, and the ratio."""
    costs: dict[str, dict[int, float]] = {}
    for count in (SMALL, LARGE):
        progress.say(f"status and the next instance with {count:,} rows")
        for name, samples in _milliseconds_with(count, directory / "box").items():
            costs.setdefault(name, {})[count] = results.add_median(GROUP, f"{name}, {count:,} rows", samples, "ms")
        remove(directory / "box")
    for name, by_count in costs.items():
        results.add_median(GROUP, f"{name}, growth", [by_count[LARGE] / by_count[SMALL]], "x", GROWTH)


def _milliseconds_with(count: int, directory: Path) -> dict[str, list[float]]:
    kiosk = Kiosk(directory)
    kiosk.state_dir.mkdir(parents=True)
    journal = Journal(kiosk.state_dir / JOURNAL_NAME)
    fill(journal, count)
    for _ in range(REPEATS):
        journal.add_instance(new_instance())
    taking = [_milliseconds(journal.begin_attempt) for _ in range(REPEATS)]
    for record in journal.instances("received"):
        journal.end_attempt(record.id, "interruption")
    with journal.transaction() as connection:  # leaves nothing for the daemon to read
        connection.execute("UPDATE instances SET state = 'forward_only' WHERE state = 'received'")
    journal.close()
    with kiosk:
        wait_until(lambda: kiosk.status()["device"] not in ("starting", ""), "the reader is ready")
        time.sleep(SETTLE_SECONDS)
        asking = [_milliseconds(kiosk.status) for _ in range(REPEATS)]
    return {"taking the next instance": taking, "status": asking}


def _milliseconds(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return (time.perf_counter() - began) * 1000
