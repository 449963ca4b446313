"""All that came of a comparison: the table, what could not be seen, what was not compared, and what became worse."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.against.judgement import Judged
from benchmarks.against.side_by_side import PartCompared

BLIND = 0.25  # a number that would not have shown such a change is named

NOTHING_WORSE, WORSE, NOT_COMPARED = 0, 1, 2  # exit statuses


@dataclass(frozen=True)
class Findings:
    """The parts of one run. `now` says what this checkout is; `how`, with how many rounds and which dose."""

    before: str
    now: str
    how: str
    parts: Sequence[PartCompared]

    @property
    def numbers(self) -> list[Judged]:
        """Of all parts."""
        return [number for part in self.parts for number in part.numbers]

    @property
    def worse(self) -> list[Judged]:
        """What became worse by more than the noise."""
        return [one for one in self.numbers if one.verdict == "worse"]

    @property
    def exit_status(self) -> int:
        """Nothing is only fine where every part that was asked for has numbers."""
        if self.worse:
            return WORSE
        return NOTHING_WORSE if all(part.numbers for part in self.parts) else NOT_COMPARED

    def show(self, console: Console) -> None:
        """Print the table, and then in sentences what it means; the verdict comes last."""
        if self.numbers:
            console.print(self._table())
        for sentence in (*self._sentences(), self._verdict()):
            console.print(escape(sentence), highlight=False)

    def _sentences(self) -> list[str]:
        of_parts = ", ".join(part.name for part in self.parts if part.numbers) or "no part"
        said = [f"Compared: {self.before} with {self.now}. {len(self.numbers)} numbers of {of_parts}, {self.how}."]
        seen = sorted(abs(share) for one in self.numbers if not math.isnan(share := one.comparison.smallest_seen))
        if seen:
            said.append(
                f"The smallest change for the worse that these rounds would have shown: {seen[0]:.0%} in the steadiest"
                f" number, {statistics.median(seen):.0%} in the middle one, {seen[-1]:.0%} in the noisiest."
            )
        if blind := [one.name for one in self.numbers if abs(one.comparison.smallest_seen) > BLIND]:
            said.append(
                f"Too noisy to show a change of {BLIND:.0%}: {'; '.join(blind)}. More --rounds, a larger --dose or a"
                " quieter machine show more."
            )
        return [*said, *(f"Not compared: {what}." for part in self.parts for what in part.not_compared)]

    def _verdict(self) -> str:
        if not self.numbers:
            return "Nothing was compared, so nothing is known."
        worse = [f"{one.name} ({one.comparison.ratio:.2f} times)" for one in self.worse]
        missing = [part.name for part in self.parts if not part.numbers]
        unknown = f" Nothing is known of {', '.join(missing)}." if missing else ""
        return f"Worse by more than the noise: {'; '.join(worse) or 'nothing'}.{unknown}"

    def _table(self) -> Table:
        table = Table("", f"{self.before}, median", "this checkout, median", "ratio", "seen from", "")
        group = ""
        for one in self.numbers:
            comparison = one.comparison
            if comparison.group != group:
                group = comparison.group
                table.add_section()
                table.add_row(f"[bold]{group}[/bold]")
            medians = [
                f"{statistics.median(values):.3g} {comparison.unit}" for values in (comparison.before, comparison.now)
            ]
            smallest = comparison.smallest_seen
            seen_from = "" if math.isnan(smallest) else f"{smallest:+.0%}"
            table.add_row(f"  {comparison.name}", *medians, f"{comparison.ratio:.2f}", seen_from, one.word)
        return table

    def write(self, file: Path) -> None:
        """Write everything as JSON."""
        content = {
            "before": self.before,
            "now": self.now,
            "how": self.how,
            "numbers": [
                {
                    **asdict(one.comparison),
                    "ratio": one.comparison.ratio,
                    "smallest_seen": None if math.isnan(one.comparison.smallest_seen) else one.comparison.smallest_seen,
                    "verdict": one.verdict,
                }
                for one in self.numbers
            ],
            "not_compared": [what for part in self.parts for what in part.not_compared],
        }
        file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
