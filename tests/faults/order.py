"""What a command was asked to do, and what all commands have in common."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.audit import Verdict
from faults.table import NORMAL_SECONDS, Row, Table
from support.machine import describe
from support.progress import Progress


@dataclass(frozen=True)
class Order:
    """How much of a fault is wanted: a number of times, or for so many minutes. None is the command's own dose."""

    directory: Path  # a short path: a socket lies below it
    progress: Progress
    seed: int
    count: int | None = None
    minutes: float | None = None
    only: tuple[str, ...] = ()  # rows with one of these in their name; none: all
    normal_seconds: float = NORMAL_SECONDS
    at_once: int = 1  # boxes at work at the same time, where a command can have several

    def table(self, name: str, dose: str) -> Table:
        """An empty table."""
        return Table(name, describe(self.directory), self.seed, dose, self.normal_seconds)

    def wants(self, name: str) -> bool:
        """Whether a row of that name is wanted."""
        return not self.only or any(words in name for words in self.only)

    def random(self) -> random.Random:
        """The same numbers for the same seed."""
        return random.Random(self.seed)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A new folder, removed at the end."""
        folder = Path(tempfile.mkdtemp(prefix="lf.", dir=self.directory))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def row_of(fault: str, times: int, films: int, verdict: Verdict, seconds: float, ended: int, *remarks: str) -> Row:
    """A row of the table."""
    return Row(
        fault,
        times,
        films,
        len(verdict.lost),
        len(verdict.doubled),
        len(verdict.unread),
        seconds,
        ended=ended,
        finished=verdict.finished,
        remarks=(*remarks, *verdict.remarks),
    )
