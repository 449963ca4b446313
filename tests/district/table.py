"""What came of the nights: a table and a plot that are kept in the repository."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import matplotlib as mpl
from rich.console import Console
from rich.table import Table as RichTable

from district.trial import Needs, Night

mpl.use("Agg")
from matplotlib import pyplot as plt  # after the choice of how to draw

HEADINGS = (
    "district", "objects", "seconds", "objects/s", "MB/s", "result, s: median", "95 %", "most", "sent again", "lost",
    "twice", "changed", "patients", "as promised",
)  # fmt: skip
COLOURS = ("#0b6e4f", "#c1121f", "#3a5a9b", "#e08e0b", "#6b4c9a")
MEGABYTE = 1e6


@dataclass(frozen=True)
class Row:
    """One night."""

    night: Night

    @property
    def name(self) -> str:
        """The server and what befell it."""
        return ", ".join((self.night.server, *(fault for _, fault in self.night.faults)))

    @property
    def broken_promises(self) -> tuple[str, ...]:
        """In words."""
        outcome = self.night.outcome
        found = {
            "not all was confirmed": outcome.unconfirmed > 0,
            "objects were lost": outcome.lost > 0,
            "objects are there twice": outcome.twice > 0,
            "objects were changed": outcome.changed > 0,
            "patients were mixed up": outcome.patients_held != outcome.patients,
        }
        return tuple(promise for promise, is_broken in found.items() if is_broken)

    def cells(self) -> tuple[str, ...]:
        """As they are shown."""
        outcome = self.night.outcome
        waited = sorted(seconds for _, seconds in outcome.latencies)
        return (
            self.name,
            f"{outcome.objects:,}",
            f"{outcome.seconds:.1f}",
            f"{outcome.objects / outcome.seconds:.0f}",
            f"{outcome.byte_count / MEGABYTE / outcome.seconds:.1f}",
            f"{statistics.median(waited):.2f}",
            f"{waited[int(0.95 * (len(waited) - 1))]:.2f}",
            f"{waited[-1]:.2f}",
            str(outcome.resent),
            str(outcome.lost),
            str(outcome.twice),
            str(outcome.changed),
            f"{outcome.patients_held} of {outcome.patients}",
            f"**no**: {'; '.join(self.broken_promises)}" if self.broken_promises else "yes",
        )


@dataclass
class Table:
    """All nights of one run."""

    machine: dict[str, str]
    dose: str
    rows: list[Row] = field(default_factory=list)
    needs: Needs | None = None

    @property
    def as_promised(self) -> bool:
        """Whether every night is, and there is one."""
        return bool(self.rows) and not any(row.broken_promises for row in self.rows)

    def show(self, console: Console) -> None:
        """Print it."""
        shown = RichTable(*HEADINGS)
        for row in self.rows:
            shown.add_row(*(cell.replace("**", "") for cell in row.cells()))
        console.print(shown)

    def write(self, directory: Path, name: str) -> None:
        """Write it as NAME.md and NAME.png, in place of the last ones."""
        directory.mkdir(parents=True, exist_ok=True)
        lines = [
            f"# {name}",
            "",
            f"{date.today():%d %B %Y}. Dose: {self.dose}.",
            "",
            *(f"- {key}: {value}" for key, value in self.machine.items()),
            "- boxes and servers share these processors and this disk",
            "",
            *_markdown([HEADINGS, *(row.cells() for row in self.rows)]),
            "",
            *(self.needs.sentences() if self.needs else ()),
            "",
            f"![Objects confirmed in the course of each night, and how long results took]({name}.png)",
            "",
        ]
        (directory / f"{name}.md").write_text("\n".join(lines), encoding="utf-8")
        _plot([row.night for row in self.rows], [row.name for row in self.rows], directory / f"{name}.png")


def _plot(nights: Sequence[Night], names: Sequence[str], path: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.4), layout="constrained")
    for night, name, colour in zip(nights, names, COLOURS, strict=False):
        style = "--" if night.faults else "-"
        confirmed = night.outcome.confirmed_at
        left.plot(confirmed, range(1, len(confirmed) + 1), style, color=colour, label=name)
        for moment, _ in night.faults:
            reached = sum(at <= moment for at in confirmed)
            left.plot([moment], [reached], "x", color=colour, markersize=10, markeredgewidth=2.5)
        waited = sorted(seconds for _, seconds in night.outcome.latencies)
        right.plot(waited, [100 * (n + 1) / len(waited) for n in range(len(waited))], style, color=colour, label=name)
    left.set(xlabel="seconds since the night began", ylabel="objects confirmed", title="Everything that was owed")
    figure.legend(
        *left.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8, frameon=False,
        title="crosses: when that befell it", title_fontsize=8,
    )  # fmt: skip
    right.set(
        xlabel="seconds from due to confirmed", ylabel="% of results", xscale="log",
        title="Results that became due meanwhile",
    )  # fmt: skip
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    heading, *others = (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
    return [heading, "|" + " --- |" * len(rows[0]), *others]
