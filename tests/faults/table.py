"""What came of a command: a table that is shown, and kept in the repository."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

NORMAL_SECONDS = 10.0  # within which receiving is to be normal again, on a machine that does nothing else


@dataclass(frozen=True)
class Row:
    """One kind of fault: how often it was brought about, and what came of it.

    `films` were given to the box; `lost` were acknowledged and are not at the district as they were given; `doubled`
    are in the journal or were sent more than once; `unread` are in no report. `seconds` is the longest time until an
    image was acknowledged again. It is not `finished` when work was left that nobody did. `ended`: how often the
    daemon ended by itself, which only some faults allow.
    """

    fault: str
    times: int
    films: int
    lost: int
    doubled: int
    unread: int
    seconds: float
    ended: int = 0
    finished: bool = True
    may_end: bool = True
    remarks: tuple[str, ...] = ()

    def as_promised(self, normal_seconds: float = NORMAL_SECONDS) -> bool:
        """Whether nothing was lost, doubled or left out, and receiving was soon normal."""
        harmed = self.lost or self.doubled or self.unread or (self.ended and not self.may_end)
        return self.finished and not harmed and self.seconds <= normal_seconds

    def cells(self, normal_seconds: float) -> tuple[str, ...]:
        """As they are shown."""
        seconds = "never" if math.isinf(self.seconds) else f"{self.seconds:.1f}"
        counts = (self.times, self.films, self.lost, self.doubled, self.unread)
        verdict = "" if self.as_promised(normal_seconds) else "**no**"
        return self.fault, *map(str, counts), seconds, str(self.ended), verdict, "; ".join(self.remarks)


HEADINGS = ("fault", "times", "films", "lost", "doubled", "unread", "seconds", "ended", "as promised", "remarks")


@dataclass
class Table:
    """All rows of one command."""

    name: str
    machine: dict[str, str]
    seed: int
    dose: str
    normal_seconds: float = NORMAL_SECONDS
    rows: list[Row] = field(default_factory=list)

    @property
    def as_promised(self) -> bool:
        """Whether every row is, and there is one."""
        return bool(self.rows) and all(row.as_promised(self.normal_seconds) for row in self.rows)

    def total(self) -> Row:
        """All rows together."""
        return replace(together("all", self.rows), remarks=())

    def show(self, console: Console) -> None:
        """Print it."""
        shown = RichTable(*HEADINGS)
        for row in [*self.rows, self.total()]:
            shown.add_row(*(cell.strip("*") for cell in row.cells(self.normal_seconds)))
        console.print(shown)

    def write(self, directory: Path) -> Path:
        """Write it as NAME.md, in place of the last one."""
        lines = [
            f"# {self.name}",
            "",
            f"{date.today():%d %B %Y}. Dose: {self.dose}. Seed: {self.seed}. Normal within {self.normal_seconds:g} s.",
            "",
            *(f"- {key}: {value}" for key, value in self.machine.items()),
            "",
            *_markdown([HEADINGS, *(row.cells(self.normal_seconds) for row in [*self.rows, self.total()])]),
            "",
        ]
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}.md"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path


def together(fault: str, rows: Sequence[Row]) -> Row:
    """Several rows as one."""
    return Row(
        fault,
        sum(row.times for row in rows),
        sum(row.films for row in rows),
        sum(row.lost for row in rows),
        sum(row.doubled for row in rows),
        sum(row.unread for row in rows),
        max((row.seconds for row in rows), default=0.0),
        sum(row.ended for row in rows),
        all(row.finished for row in rows),
        not any(row.ended and not row.may_end for row in rows),
        tuple(dict.fromkeys(remark for row in rows for remark in row.remarks)),
    )


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    heading, *others = (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
    return [heading, "|" + " --- |" * len(rows[0]), *others]
