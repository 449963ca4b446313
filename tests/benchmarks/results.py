"""What was measured, what was aimed at, and how both are shown."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass(frozen=True)
class Aim:
    """A value that the measured one should reach: at most, or at least."""

    value: float
    at_least: bool

    def met_by(self, measured: float) -> bool:
        """Whether `measured` is as good as aimed at."""
        return measured >= self.value if self.at_least else measured <= self.value

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.value:g}"


def at_least(value: float) -> Aim:
    """More is better."""
    return Aim(value, at_least=True)


def at_most(value: float) -> Aim:
    """Less is better."""
    return Aim(value, at_least=False)


# Of these, less is better; of whatever is per second, more.
LESS_IS_BETTER = frozenset(("s", "ms", "MiB", "kB", "bytes", "%"))


@dataclass(frozen=True)
class Measurement:
    """One number. `samples` are what it is the middle of, in the same unit. Two versions of the box are compared by
    numbers of the same group and name.
    """

    group: str
    name: str
    value: float
    unit: str
    aim: Aim | None = None
    samples: tuple[float, ...] = ()
    remark: str = ""

    @property
    def more_is_better(self) -> bool | None:
        """As the aim or the unit says; None for a number that is neither good nor bad."""
        if self.aim is not None:
            return self.aim.at_least
        if self.unit.endswith("/s"):
            return True
        return False if self.unit in LESS_IS_BETTER else None


@dataclass(frozen=True)
class Omission:
    """What was not measured, and why. `broke`: it should have been; otherwise this machine or user cannot do it."""

    what: str
    why: str
    broke: bool = False


@dataclass
class Results:
    """All numbers of a run, in the order in which they were taken, and what there is no number of."""

    machine: dict[str, str]
    measurements: list[Measurement] = field(default_factory=list)
    not_measured: list[Omission] = field(default_factory=list)

    def add(self, measurement: Measurement) -> None:
        """Keep a number."""
        self.measurements.append(measurement)

    def add_median(
        self, group: str, name: str, samples: Sequence[float], unit: str, aim: Aim | None = None, remark: str = ""
    ) -> float:
        """Keep the median of some samples and return it."""
        value = statistics.median(samples)
        self.add(Measurement(group, name, value, unit, aim, tuple(samples), remark))
        return value

    def omit(self, what: str, why: str, *, broke: bool = False) -> None:
        """Keep that something has no number, and why."""
        self.not_measured.append(Omission(what, why, broke))

    @property
    def broke(self) -> bool:
        """Whether something was not measured that should have been."""
        return any(one.broke for one in self.not_measured)

    def missed(self) -> list[Measurement]:
        """What is not as aimed at."""
        return [one for one in self.measurements if one.aim is not None and not one.aim.met_by(one.value)]

    def show(self, console: Console) -> None:
        """Print everything as a table, after it what is not in it, and last whether the aims were met."""
        for key, value in self.machine.items():
            console.print(f"{key}: {value}")
        if self.measurements:
            console.print(self._table())
        for one in self.not_measured:
            console.print(
                escape(f"{'BROKE' if one.broke else 'Not measured'}: {one.what} ({one.why})."), highlight=False
            )
        console.print(escape(self._summary()), highlight=False)

    def _summary(self) -> str:
        aims = [one for one in self.measurements if one.aim is not None]
        missed = "; ".join(f"{one.group}: {one.name}" for one in self.missed())
        return f"{len(self.measurements)} numbers, {len(aims)} of them with an aim. Missed: {missed or 'none'}."

    def _table(self) -> Table:
        table = Table("", "measured", "aim", "", "of", "remark")
        group = ""
        groups = list(dict.fromkeys(one.group for one in self.measurements))
        for one in sorted(self.measurements, key=lambda one: groups.index(one.group)):
            if one.group != group:
                group = one.group
                table.add_section()
                table.add_row(f"[bold]{group}[/bold]")
            verdict = "" if one.aim is None else ("met" if one.aim.met_by(one.value) else "[bold]MISSED[/bold]")
            samples = " ".join(f"{sample:.3g}" for sample in one.samples) if 1 < len(one.samples) <= 5 else ""
            table.add_row(
                f"  {one.name}", f"{one.value:.3g} {one.unit}", str(one.aim or ""), verdict, samples, one.remark
            )
        return table

    def write(self, file: Path) -> None:
        """Write everything as JSON."""
        content = {
            "machine": self.machine,
            "measurements": [
                {
                    **asdict(one),
                    "more_is_better": one.more_is_better,
                    "met": None if one.aim is None else one.aim.met_by(one.value),
                }
                for one in self.measurements
            ],
            "not_measured": [asdict(one) for one in self.not_measured],
        }
        file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
