"""What came of it, as a page that is kept in the repository."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from end_to_end.whole_district.day import Outcome


def findings(outcome: Outcome) -> list[tuple[str, str]]:
    """Each thing that was promised, and what was found."""
    found: list[tuple[str, str]] = []
    if (looked := outcome.audit) is not None:
        found = [
            ("originals that the clinics sent", str(looked.originals)),
            ("results of the boxes", str(looked.results)),
            ("of these, of a report that a later one replaces", str(looked.replaced)),
            ("a radiologist's answers, back on the box", str(looked.answers)),
            ("missing at the district", str(looked.missing)),
            ("there twice", str(looked.twice)),
            ("there, and sent by nobody", str(looked.surplus)),
            ("that not both Orthancs list", str(looked.disagreeing)),
            ("originals with other pixels than those sent", str(looked.changed)),
            ("under a wrong patient, or issuer", str(looked.under_wrong_patient)),
            ("exams without one current report", str(looked.without_current_report)),
            ("patients", f"{looked.patients} of {looked.patients_expected}"),
        ]
    found += [(f"owed by {clinic} in the end", str(count)) for clinic, count in outcome.owed.items()]
    found.append(("ways of the stick, there and back", str(outcome.trips)))
    return found


def fleet_lines(outcome: Outcome) -> list[tuple[str, ...]]:
    """What the fleet's page said of each box."""
    return [
        (
            box.name,
            "by stick" if box.by_stick else "over the link",
            f"{box.made_at.astimezone(UTC):%H:%M:%S}",
            str(box.owed),
            box.device,
            box.version,
        )
        for box in (outcome.fleet.boxes if outcome.fleet else ())
    ]


def show(outcome: Outcome, console: Console) -> None:
    """Print what was found."""
    shown = RichTable("what", "found")
    for row in findings(outcome):
        shown.add_row(*row)
    console.print(shown)
    for sentence in outcome.broken_promises:
        console.print(f"[red]NOT AS PROMISED[/red]  {sentence}", highlight=False)


def write(outcome: Outcome, dose: str, machine: Mapping[str, str], directory: Path, name: str) -> None:
    """Write it as NAME.md, in place of the last one."""
    directory.mkdir(parents=True, exist_ok=True)
    broken = outcome.broken_promises
    lines = [
        f"# {name}",
        "",
        f"{date.today():%d %B %Y}. Dose: {dose}.",
        "",
        *(f"- {key}: {value}" for key, value in machine.items()),
        "",
        f"As promised: {'**no**: ' + '; '.join(broken) if broken else 'yes'}.",
        "",
        *_markdown([("what", "found"), *findings(outcome)]),
        "",
        *_markdown(
            [("killed once, and begun again", "in the midst of"), *((one.what, one.midst) for one in outcome.kills)]
        ),
        "",
        "What the page of the fleet said in the end (times in UTC):",
        "",
        *_markdown([("box", "heard", "made at", "owed", "models run on", "version"), *fleet_lines(outcome)]),
        "",
        *_markdown([("part", "seconds"), *((part, f"{seconds:.0f}") for part, seconds in outcome.seconds.items())]),
        "",
    ]
    (directory / f"{name}.md").write_text("\n".join(lines), encoding="utf-8")


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    heading, *others = (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
    return [heading, "|" + " --- |" * len(rows[0]), *others]
