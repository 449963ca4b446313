"""What is said of numbers that two versions of the box have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.against.comparison import Comparison, Verdict

Numbers = Mapping[tuple[str, str], Mapping[str, Any]]  # what a run wrote, by group and name


@dataclass(frozen=True)
class Judged:
    """A number, and what is said of it. `seemed_worse`: in the first rounds, but not in all together."""

    comparison: Comparison
    verdict: Verdict
    seemed_worse: bool = False

    @property
    def name(self) -> str:
        """Which number it is; several groups have some of the same name."""
        return f"{self.comparison.group}: {self.comparison.name}"

    @property
    def word(self) -> str:
        """In the table: slower or faster for times and rates, more or less for all else. What is better was measured
        once only, unless something else of its part was worse.
        """
        one = self.comparison
        if self.seemed_worse:
            return "seemed worse at first"
        if self.verdict == "same":
            return ""
        if one.unit in ("s", "ms") or one.unit.endswith("/s"):
            worse, better = "slower", "faster"
        else:
            worse = better = "more" if one.ratio > 1 else "less"
        if self.verdict == "worse":
            return f"[bold]{worse.upper()}[/bold]"
        return better if one.repeated else f"seems {better}"


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
            remarks.append(f"{', '.join(name)}: {' and '.join(lacking)} does not have it")
            continue
        first = now[0][name]
        old, new = (tuple(float(numbers[name]["value"]) for numbers in runs) for runs in (before, now))
        comparisons.append(Comparison(*name, first["unit"], first["more_is_better"], old, new))
    return comparisons, remarks


def judged(first: Sequence[Comparison], again: Sequence[Comparison] = ()) -> list[Judged]:
    """The numbers as the first rounds show them; those that were measured again, by all rounds of both times."""
    later = {(one.group, one.name): one for one in again}
    result = []
    for one in first:
        other = later.get((one.group, one.name))
        if other is None:
            result.append(Judged(one, one.verdict))
            continue
        both = replace(one, before=one.before + other.before, now=one.now + other.now, repeated=True)
        result.append(Judged(both, both.verdict, seemed_worse=one.verdict == "worse" != both.verdict))
    return result
