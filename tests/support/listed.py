"""Made-up exams of the worklist, and its pages as files with all that they need beside them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from leapfrog.page_fonts.page_fonts import FONTS
from leapfrog.state.exam_states import ExamState
from leapfrog.state.records import StudyIdentity, StudyRecord
from leapfrog.wording.report_words import WorklistRow
from leapfrog.wording.text import person_name
from leapfrog.worklist.box_line import BoxForStaff
from leapfrog.worklist.listed_exam import ListedExam
from leapfrog.worklist.older_page import FONTS_NAME, older_page, render_older
from leapfrog.worklist.worklist import render_worklist, write_file


def listed_exam(
    name: str,
    *,
    key: str = "",
    day: str = "2026-11-03",
    state: Literal["open", "quiet"] = "quiet",
    done: ExamState | None = None,
    **values: Any,
) -> ListedExam:
    """An exam of `name`, with nothing flagged unless `values` of its row say otherwise."""
    study = StudyRecord(
        key=key or f"{abs(hash(name)):016x}"[:16],
        identity=StudyIdentity(),
        received_at=f"{day}T14:25:10+03:00",
        received_date=day,
        state=state,
        version=1,
        published_version=1,
        derived_version=0,
        changes=1,
        reported_changes=1,
        urgent=False,
        worklist_row="",
    )
    row = {
        "patient": person_name(name),
        "patient_id": "KIT-1",
        "exam": "CR CHEST",
        "received": f"{day} 14:25",
        "kind": "nothing_flagged",
        "headline": "Nothing flagged",
        "images": "1 image",
        **values,
    }
    return ListedExam(study, WorklistRow.model_validate(row), done or ExamState())


def box_state(**values: Any) -> BoxForStaff:
    """A box to which nothing is wrong."""
    return BoxForStaff(
        **{
            "station": "Kitgum",
            "listening": True,
            "unread": 0,
            "district_configured": True,
            "owed": 12,
            "district_silent_since": "",
            "free_bytes": 48_000_000_000,
            "updated_at": datetime(2026, 11, 3, 14, 30, tzinfo=UTC),
            **values,
        }
    )


def write_worklist(
    directory: Path, exams: Sequence[ListedExam], *older: Sequence[ListedExam], language: str = "en", **box: Any
) -> Path:
    """The list, of which the older exams stand in pages of their own, the newest first. The path of the page."""
    bring_fonts(directory)
    pages = [older_page(len(older) - place, page) for place, page in enumerate(older)]
    for page, listed in zip(pages, older, strict=True):
        write_file(directory / page.file, render_older("Kitgum", page, listed, language).encode())
    index = directory / "index.html"
    index.write_text(render_worklist(exams, box_state(**box), pages, language).page)
    return index


def bring_fonts(directory: Path) -> None:
    """As the writer of the worklist does, but all."""
    if not (directory / FONTS_NAME).exists():
        (directory / FONTS_NAME).symlink_to(FONTS)
