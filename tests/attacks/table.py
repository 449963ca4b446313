"""What came of the attacks: a table that is shown, and kept in the repository."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from attacks.modality import Times

MOST_MEGABYTES = 40  # that the box may need more after an attack than before it: its images are read meanwhile
MOST_GROWING_MEGABYTES = 5  # that it may need more at the end of a long attack than in its middle
MOST_DESCRIPTORS = 10
USUAL_SECONDS = 0.5  # more than alone, at most, in the median: attacker and box share the processors of one machine
HEADINGS = (
    "attack", "alone, ms", "during, ms", "after, ms", "memory, MB", "descriptors", "threads", "log lines", "status",
    "lost", "as promised",
)  # fmt: skip


@dataclass(frozen=True)
class Needs:
    """What the main process needs: megabytes, file descriptors, threads."""

    megabytes: float
    descriptors: int
    threads: int


@dataclass(frozen=True)
class Row:
    """One attack: the modality's times, what the box needed before it, at most during it and after it, its memory in
    the middle of a long one and at its end, what the log and the status said, and how many films were acknowledged and
    are not there.
    """

    attack: str
    alone: Times
    during: Times
    after: Times
    needs: tuple[Needs, Needs, Needs]
    settled_megabytes: tuple[float, float] | None
    log_lines: int
    most_log_lines: int
    told: bool
    in_worklist: bool
    ended: bool
    lost: int

    @property
    def broken_promises(self) -> tuple[str, ...]:
        """In words."""
        before, _, after = self.needs
        found = {
            "films were lost": self.lost > 0,
            "films were refused": self.alone.failed + self.during.failed + self.after.failed > 0,
            "the modality is slower": self.during.median > self.alone.median + USUAL_SECONDS,
            "the modality stays slower": self.after.median > self.alone.median + USUAL_SECONDS,
            "memory is not flat": self._memory_grows,
            "descriptors are not flat": after.descriptors > before.descriptors + MOST_DESCRIPTORS,
            "too many log lines": self.log_lines > self.most_log_lines,
            "the status does not name the attacker": not self.told,
            "the worklist names the attacker": self.in_worklist,
            "the box ended": self.ended,
        }
        return tuple(promise for promise, is_broken in found.items() if is_broken)

    @property
    def _memory_grows(self) -> bool:
        """In a long attack memory settles at another level, since thousands of films are read and listed: what counts
        is that it stays there.
        """
        if self.settled_megabytes is not None:
            middle, end = self.settled_megabytes
            return end > middle + MOST_GROWING_MEGABYTES
        before, _, after = self.needs
        return after.megabytes > before.megabytes + MOST_MEGABYTES

    @property
    def _settled(self) -> str:
        if self.settled_megabytes is None:
            return ""
        middle, end = self.settled_megabytes
        return f" ({middle:.0f} in the middle, {end:.0f} at the end)"

    def cells(self) -> tuple[str, ...]:
        """As they are shown."""
        before, during, after = self.needs
        return (
            self.attack,
            str(self.alone),
            str(self.during),
            str(self.after),
            f"{before.megabytes:.0f}, {during.megabytes:.0f}, {after.megabytes:.0f}{self._settled}",
            f"{before.descriptors}, {during.descriptors}, {after.descriptors}",
            f"{before.threads}, {during.threads}, {after.threads}",
            str(self.log_lines),
            "names it" if self.told else "**silent**",
            str(self.lost),
            f"**no**: {'; '.join(self.broken_promises)}" if self.broken_promises else "",
        )


@dataclass
class Table:
    """All rows of one run."""

    machine: dict[str, str]
    dose: str
    rows: list[Row] = field(default_factory=list)

    @property
    def as_promised(self) -> bool:
        """Whether every row is, and there is one."""
        return bool(self.rows) and not any(row.broken_promises for row in self.rows)

    def show(self, console: Console) -> None:
        """Print it."""
        shown = RichTable(*HEADINGS)
        for row in self.rows:
            shown.add_row(*(cell.replace("**", "") for cell in row.cells()))
        console.print(shown)

    def write(self, directory: Path, name: str) -> Path:
        """Write it as NAME.md, in place of the last one."""
        lines = [
            f"# {name}",
            "",
            f"{date.today():%d %B %Y}. Dose: {self.dose}.",
            "",
            *(f"- {key}: {value}" for key, value in self.machine.items()),
            "",
            *_markdown([HEADINGS, *(row.cells() for row in self.rows)]),
            "",
        ]
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{name}.md"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    heading, *others = (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
    return [heading, "|" + " --- |" * len(rows[0]), *others]
