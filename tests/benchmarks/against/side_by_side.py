"""Runs parts with two versions of the box in turn, by the benchmarks of this checkout, and shows how they compare."""

import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.against.comparison import Comparison, Verdict
from benchmarks.against.versions import REPOSITORY, Version
from support.progress import Progress

STOP_SECONDS = 60.0

Numbers = dict[tuple[str, str], dict[str, Any]]  # what a run wrote, by group and name


class CannotMeasure(Exception):
    """A part broke with the older version."""


@dataclass(frozen=True)
class Judged:
    """A number, and what is said of it. `seemed_worse`: in the first rounds, but not in all together."""

    comparison: Comparison
    verdict: Verdict
    seemed_worse: bool = False

    @property
    def word(self) -> str:
        """In the table: slower or faster for times and rates, more or less for all else."""
        one = self.comparison
        if self.seemed_worse:
            return "seemed worse at first"
        if self.verdict == "same":
            return ""
        if one.unit in ("s", "ms") or one.unit.endswith("/s"):
            return "[bold]SLOWER[/bold]" if self.verdict == "worse" else "faster"
        more = one.ratio > 1
        return f"[bold]{'MORE' if more else 'LESS'}[/bold]" if self.verdict == "worse" else ("more" if more else "less")


@dataclass(frozen=True)
class SideBySide:
    """What both versions are measured with. `before` is the older one, by whatever name."""

    before: Version
    now: Version
    directory: Path
    dose: float
    rounds: int
    progress: Progress

    def compare(self, part: str) -> tuple[list[Judged], list[str]]:
        """The numbers of a part, and sentences on what was not compared. What seems worse is measured again."""
        try:
            comparisons, remarks = self._measured(part)
            worse = [one.name for one in comparisons if one.verdict == "worse"]
            if not worse:
                return [Judged(one, one.verdict) for one in comparisons], remarks
            self.progress.say(f"{part}: all once more, since this seems worse: {'; '.join(worse)}")
            return judged(comparisons, self._measured(part)[0]), remarks
        except CannotMeasure as problem:
            return [], [str(problem)]

    def _measured(self, part: str) -> tuple[list[Comparison], list[str]]:
        runs: dict[str, list[Numbers]] = {self.before.name: [], self.now.name: []}
        for number in range(self.rounds):
            pair = (self.before, self.now) if number % 2 == 0 else (self.now, self.before)
            for version in pair:
                self.progress.say(f"{part}: round {number + 1} of {self.rounds}, {version.name}")
                runs[version.name].append(self._run(part, version))
        return compared(runs[self.before.name], runs[self.now.name], self.before.name, self.now.name)

    def _run(self, part: str, version: Version) -> Numbers:
        file = self.directory / "numbers.json"
        file.unlink(missing_ok=True)
        options = ["--only", part, "--no-peers", "--rounds", "1", "--dose", str(self.dose)]
        places = ["--json", str(file), "--directory", str(self.directory)]
        path = os.pathsep.join([str(REPOSITORY / "tests"), *version.python_path])
        said = _run_to_its_end([sys.executable, "-m", "benchmarks", *options, *places], path)
        if not file.is_file():  # an exit status of 1 with numbers only says that an aim was missed
            if version == self.now:
                raise RuntimeError(f"{part} broke with {version.name}:\n{said[-4000:]}")
            last = said.strip().rpartition("\n")[2]
            raise CannotMeasure(f"{part}: {version.name} cannot be measured by it ({last}).")
        return {(one["group"], one["name"]): one for one in json.loads(file.read_text())["measurements"]}


def _run_to_its_end(command: Sequence[str], python_path: str) -> str:
    """What it printed. It is given time to stop its servers when this program is ended."""
    child = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": python_path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        return child.communicate()[0]
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait(STOP_SECONDS)


def compared(
    before: Sequence[Numbers], now: Sequence[Numbers], before_name: str, now_name: str
) -> tuple[list[Comparison], list[str]]:
    """The numbers that both versions have in every round, and a sentence for each that one of them lacks."""
    names: dict[tuple[str, str], None] = dict.fromkeys(name for numbers in (*now, *before) for name in numbers)
    comparisons, remarks = [], []
    for name in names:
        lacking = [
            who for who, runs in ((before_name, before), (now_name, now)) if not all(name in one for one in runs)
        ]
        if lacking:
            remarks.append(f"{', '.join(name)}: not compared, {' and '.join(lacking)} does not have it.")
            continue
        first = now[0][name]
        old, new = (tuple(float(numbers[name]["value"]) for numbers in runs) for runs in (before, now))
        comparisons.append(Comparison(*name, first["unit"], first["more_is_better"], old, new))
    return comparisons, remarks


def judged(first: Sequence[Comparison], again: Sequence[Comparison]) -> list[Judged]:
    """The numbers of both times, judged by all their rounds."""
    later = {(one.group, one.name): one for one in again}
    result = []
    for one in first:
        if other := later.get((one.group, one.name)):
            both = replace(one, before=one.before + other.before, now=one.now + other.now, repeated=True)
            result.append(Judged(both, both.verdict, seemed_worse=one.verdict == "worse" != both.verdict))
    return result


def show(console: Console, before: str, now: str, numbers: Iterable[Judged]) -> None:
    """Print the table."""
    table = Table("", f"{before}, median", f"{now}, median", "ratio", "noise", "")
    group = ""
    for one in numbers:
        comparison = one.comparison
        if comparison.group != group:
            group = comparison.group
            table.add_section()
            table.add_row(f"[bold]{group}[/bold]")
        medians = [
            f"{statistics.median(values):.3g} {comparison.unit}" for values in (comparison.before, comparison.now)
        ]
        noise = "" if math.isnan(comparison.noise) else f"± {comparison.noise:.0%}"
        table.add_row(f"  {comparison.name}", *medians, f"{comparison.ratio:.2f}", noise, one.word)
    console.print(table)


def write(file: Path, before: str, now: str, numbers: Iterable[Judged], remarks: Sequence[str]) -> None:
    """Write everything as JSON."""
    compared = [{**asdict(one.comparison), "ratio": one.comparison.ratio, "verdict": one.verdict} for one in numbers]
    content = {"before": before, "now": now, "numbers": compared, "not_compared": list(remarks)}
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
