"""Which reports are printed by themselves: what the settings say of them, and what is on paper already."""

from typing import Literal

from leapfrog.processes.messages import ReportResult, Sheet
from leapfrog.settings import PrintSettings
from leapfrog.state.journal import new_id
from leapfrog.state.prints import UNKNOWN_RESULT, NewPrint, OnPaper, Prints
from leapfrog.state.records import StudyRecord
from leapfrog.state.rendered import sheet_name


class Paper:
    """Decides what is printed, each time that a report is made. Any thread may call it."""

    def __init__(self, settings: PrintSettings, prints: Prints) -> None:
        """Nothing is decided yet."""
        self._settings = settings
        self._prints = prints

    def sheet_for(self, study: StudyRecord, *, closing: bool) -> tuple[str, Sheet] | None:
        """The sheet that may be printed of the report that is about to be made, and the id of its print; None if there
        is none whatever the report says.

        A study that still grows is printed when it turns out to be urgent, once; every other waits until it is quiet.
        """
        if not self._settings.printer or self._settings.which == "on_request":
            return None
        on_paper = self._prints.on_paper(study)
        if study.paper_is_settled if closing else on_paper.is_owed:
            return None
        print_id = new_id()
        sheet = Sheet(
            name=sheet_name(print_id),
            page_size=self._settings.page_size,
            known_result=on_paper.result,
            only_if=self._only_if(on_paper, closing=closing),
            replaces=on_paper.printed_at,
            replaced_result=on_paper.printed_result,
        )
        return print_id, sheet

    def _only_if(self, on_paper: OnPaper, *, closing: bool) -> Literal["any", "flagged", "urgent"]:
        """What is on paper is corrected whatever the correction says."""
        if not closing or on_paper.result == UNKNOWN_RESULT:
            return "urgent"
        return "flagged" if self._settings.which == "flagged" and not on_paper.is_owed else "any"

    def print_of(self, print_id: str, result: ReportResult) -> NewPrint | None:
        """What is to be printed of the report that was made."""
        if not result.sheet_made:
            return None
        return NewPrint(
            id=print_id,
            version=result.version,
            result=result.result,
            printer=self._settings.printer,
            copies=self._settings.copies,
            page_size=self._settings.page_size,
            sheet_made=True,
        )
