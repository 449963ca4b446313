"""What came of a campaign: a table that is shown, and kept in the repository."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from fuzzing.campaign import Outcome
from fuzzing.inputs import kept
from fuzzing.target import load

HEADINGS = (
    "target",
    "what must hold",
    "inputs executed",
    "edges reached",
    "inputs kept",
    "finds",
    "ended by a decoder",
)


def rows(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """One a target."""
    return [
        (
            one.target,
            load(one.target).invariant,
            f"{one.executed:,}",
            str(one.edges),
            str(len(kept(load(one.target)))),
            str(len(one.finds)) if not one.said else one.said,
            str(len(one.ends)),
        )
        for one in outcomes
    ]


def write(outcomes: Sequence[Outcome], path: Path, dose: str, machine: dict[str, str]) -> None:
    """Write the table, in place of the last one."""
    cells = [HEADINGS, tuple("---" for _ in HEADINGS), *rows(outcomes)]
    lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in cells]
    facts = [f"- {key}: {value}" for key, value in machine.items()]
    text = ["# fuzzing", "", f"{date.today():%d %B %Y}. Dose: {dose}.", "", *facts, "", *lines, ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(text), encoding="utf-8")
