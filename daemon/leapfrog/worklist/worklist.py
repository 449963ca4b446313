"""The worklist `reports/index.html`: one line per exam, urgent ones on top. Its search works without a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from leapfrog.state.records import StudyRecord
from leapfrog.web_page import content_security_policy, environment, inline
from leapfrog.wording import text as wording
from leapfrog.wording.report_words import WorklistRow

TEMPLATES = Path(__file__).with_name("templates")
INDEX_NAME = "index.html"
RELOAD_SECONDS = 30  # how often an open page reloads itself; a person can pause that (WCAG 2.2.1)
STALE_SECONDS = 180  # an open page warns when it has seen no newer list for this long, so write the list more often
URGENT_DAYS = 2  # urgent exams of the newest two days come first; older ones keep their mark but are sorted by time


Exam = tuple[StudyRecord, WorklistRow]  # the study, with its state and report folder, and its line in the list


@dataclass(frozen=True, kw_only=True)
class WorklistStatus:
    """The state of the box. `owed` counts deliveries; `attention` holds sentences about what needs attention."""

    station: str
    listening: bool
    device: str
    district_configured: bool
    owed: int
    oldest_owed_seconds: float | None
    free_bytes: int
    updated_at: datetime
    attention: tuple[str, ...] = ()


def write_worklist(directory: Path, exams: Sequence[Exam], status: WorklistStatus) -> None:
    """Replace the worklist in `directory` in one step. `exams` must be newest first. It is not made durable, since it
    is written anew at each start.

    Raises OSError when the disk fails or is full; then the old worklist stays.
    """
    temporary = directory / f".{INDEX_NAME}.part"
    temporary.write_bytes(render_worklist(exams, status).encode())
    temporary.replace(directory / INDEX_NAME)


def render_worklist(exams: Sequence[Exam], status: WorklistStatus) -> str:
    """The HTML of the worklist. `exams` must be newest first."""
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
    """Label, value, and whether the value is all right."""
    return [
        ("Receiving", "yes" if status.listening else "NO", status.listening),
        ("Models run on", wording.clean(status.device), True),
        ("Waiting to be sent", _owed(status), True),
        ("Disk free", wording.byte_size(status.free_bytes), True),
    ]


def _owed(status: WorklistStatus) -> str:
    if not status.district_configured:
        return "no district server set up"
    if not status.owed:
        return "nothing, everything has arrived"
    oldest = (
        ""
        if status.oldest_owed_seconds is None
        else f", the oldest from {wording.span(status.oldest_owed_seconds) or 'moments'} ago"
    )
    return f"{wording.count(status.owed, 'file')}{oldest}"
