"""Has readers make the sheets of prints that a person asked for, of reports that were made before."""

import logging
import threading
from collections import Counter
from collections.abc import Callable

from leapfrog.processes.messages import ReportResult, Sheet
from leapfrog.state.journal import Journal
from leapfrog.state.prints import PrintRecord, Prints
from leapfrog.state.records import StudyRecord
from leapfrog.state.rendered import sheet_name
from leapfrog.state.studies import Studies
from leapfrog.wording.print_words import NO_SHEET

MOST_FAILURES = 3  # then the print needs a person

_log = logging.getLogger(__name__)


class Sheets:
    """The sheets that are still to be made. Any lane's thread may call it; one thread claims at a time."""

    def __init__(self, journal: Journal, on_made: Callable[[], None]) -> None:
        """`on_made` is called when a sheet can be printed."""
        self._prints = Prints(journal)
        self._studies = Studies(journal)
        self._on_made = on_made
        self._wanted = threading.Event()
        self._wanted.set()  # the last run may have left some
        self._in_hand: set[str] = set()
        self._failures = Counter[str]()

    def look(self) -> None:
        """Note that a sheet is wanted, or that one may be made that could not: a report was made. Returns at once."""
        self._wanted.set()

    def claim(self) -> PrintRecord | None:
        """The next sheet that can be made; None when there is none before `look` is called."""
        if not self._wanted.is_set():
            return None
        self._wanted.clear()
        for record in self._prints.without_sheet():
            study = self._studies.find(record.study_key)
            # A report that lacks readings is about to be made anew.
            if record.id not in self._in_hand and study is not None and study.version and not study.changed:
                self._in_hand.add(record.id)
                self._wanted.set()  # there may be more
                return record
        return None

    def make(self, record: PrintRecord, render: Callable[[StudyRecord, Sheet], ReportResult | None]) -> None:
        """Have `render` make a claimed sheet."""
        try:
            study = self._studies.get(record.study_key)
            on_paper = self._prints.on_paper(study, besides=record.id)
            sheet = Sheet(
                name=sheet_name(record.id),
                page_size=record.page_size,
                replaces=on_paper.printed_at,
                replaced_result=on_paper.printed_result,
            )
            if (result := render(study, sheet)) is not None:
                self._prints.sheet_is_made(record.id, result.version, result.result)
                self._on_made()
        finally:
            self._in_hand.discard(record.id)
            self._wanted.set()

    def failed(self, record: PrintRecord) -> None:
        """Note that a sheet could not be made."""
        _log.warning("The sheet of exam %s could not be made; it will be tried again.", record.exam_number)
        self._failures[record.id] += 1
        if self._failures[record.id] >= MOST_FAILURES:
            del self._failures[record.id]
            self._prints.end(record.id, "refused", NO_SHEET)
