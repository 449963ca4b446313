"""Shows the progress of long work on the terminal, and now and then as a line in the log."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

FEWEST_SHOWN = 100
LOG_SECONDS = 60.0


def progress_bar(*beside: ProgressColumn, hidden: bool = False) -> Progress:
    """A progress bar with the items done, the columns `beside` and the time remaining. Shown on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *beside, TimeRemainingColumn())
    return Progress(*columns, disable=hidden or not sys.stderr.isatty(), transient=True)


@contextmanager
def shown_progress(title: str, total: int, already: int = 0) -> Iterator[Callable[[int], None]]:
    """Yields a function to call with the number of items just done. Nothing is shown if there are few items."""
    done, last = already, time.monotonic()
    with progress_bar(hidden=total < FEWEST_SHOWN) as bar:
        task = bar.add_task(title, total=total, completed=already)

        def advance(count: int) -> None:
            nonlocal done, last
            done += count
            bar.update(task, completed=done)
            if time.monotonic() - last > LOG_SECONDS:
                last = time.monotonic()
                logger.info("%s: %d of %d", title, done, total)

        yield advance


def each(items: Sequence[Item], title: str) -> Iterator[Item]:
    """Iterate over the items and show progress."""
    with shown_progress(title, len(items)) as advance:
        for item in items:
            yield item
            advance(1)
