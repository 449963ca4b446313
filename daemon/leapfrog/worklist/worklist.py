"""The worklist `reports/index.html`: every exam in a line, urgent ones on top, searchable from a plain file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from leapfrog.durable import write_durably
from leapfrog.state.records import StudyRecord
from leapfrog.web_page import content_security_policy, environment, inline
from leapfrog.wording import text as wording
from leapfrog.wording.report import WorklistRow

TEMPLATES = Path(__file__).with_name("templates")
INDEX_NAME = "index.html"
RELOAD_SECONDS = 30  # how often an open page loads itself anew; a person can stop it (WCAG 2.2.1)
STALE_SECONDS = 180  # an open page that saw no newer list for so long says so; write the list more often than this
URGENT_DAYS = 2  # of the newest days in the list; older urgent exams keep their mark and take their place by time


Exam = tuple[StudyRecord, WorklistRow]  # where its report lies and how it stands, and what its report says


@dataclass(frozen=True, kw_only=True)
class WorklistStatus:
    """How the box is. `owed` counts deliveries; `attention` holds sentences on what a person should act on."""

    station: str
    listening: bool
    device: str
    district_configured: bool
    owed: int
    oldest_owed_seconds: float | None
    free_bytes: int
    updated_at: datetime
    attention: tuple[str, ...] = ()


def write_worklist(reports_dir: Path, exams: Sequence[Exam], status: WorklistStatus) -> None:
    """Replace the worklist in `reports_dir` in one step. `exams` come newest first.

    Raises OSError when the disk does not take it; the old worklist then stays.
    """
    write_durably(reports_dir / INDEX_NAME, render_worklist(exams, status).encode())


def render_worklist(exams: Sequence[Exam], status: WorklistStatus) -> str:
    """The HTML of the worklist. `exams` come newest first."""
    script = inline(TEMPLATES / "worklist.js")
    return (
        environment(TEMPLATES)
        .get_template("worklist.html")
        .render(
            policy=content_security_policy(script),
            style=inline(TEMPLATES / "worklist.css"),
            script=script,
            exams=_urgent_first(exams),
            station=wording.clean(status.station),
            facts=_facts(status),
            attention=[wording.clean(sentence, longest=600) for sentence in status.attention],
            updated=status.updated_at.strftime("%Y-%m-%d %H:%M:%S"),
            updated_stamp=int(status.updated_at.timestamp() * 1000),
            reload_seconds=RELOAD_SECONDS,
            stale_seconds=STALE_SECONDS,
        )
    )


def _urgent_first(exams: Sequence[Exam]) -> list[Exam]:
    newest_days = list(dict.fromkeys(study.received_date for study, _ in exams))[:URGENT_DAYS]
    return sorted(exams, key=lambda exam: not (exam[1].urgent and exam[0].received_date in newest_days))


def _facts(status: WorklistStatus) -> list[tuple[str, str, bool]]:
    """Label, value, and whether it is as it should be."""
    return [
        ("Receiving", "yes" if status.listening else "NO", status.listening),
        ("Read on", wording.clean(status.device), True),
        ("To be sent", _owed(status), True),
        ("Disk free", _bytes(status.free_bytes), True),
    ]


def _owed(status: WorklistStatus) -> str:
    if not status.district_configured:
        return "no district server set up"
    if not status.owed:
        return "nothing, all confirmed"
    waiting = "" if status.oldest_owed_seconds is None else f", the oldest from {_span(status.oldest_owed_seconds)} ago"
    return f"{wording.count(status.owed, 'file')}{waiting}"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return wording.count(int(seconds // size), unit)
    return "moments"


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count < 10e9 else f"{count / 1e9:,.0f} GB"
