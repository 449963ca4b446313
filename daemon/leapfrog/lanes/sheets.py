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

    def __init__(
        self,
        journal: Journal,
        on_made: Callable[[], None],
        is_large: Callable[[StudyRecord], bool] = lambda _study: False,
    ) -> None:
        """`on_made` is called when a sheet can be printed; `is_large`: whether it is made on the side lane."""
        self._prints = Prints(journal)
        self._studies = Studies(journal)
        self._on_made = on_made
        self._is_large = is_large
        self._wanted = {large: threading.Event() for large in (False, True)}
        self.look()  # the last run may have left some
        self._in_hand: set[str] = set()
        self._failures = Counter[str]()

    def look(self) -> None:
        """Note that a sheet is wanted, or that one may be made that could not: a report was made. Returns at once."""
        for wanted in self._wanted.values():
            wanted.set()

    def claim(self, *, large: bool = False) -> PrintRecord | None:
        """The next sheet that can be made of an exam that is `large`, or not; None when there is none before `look` is
        called.
        """
        wanted = self._wanted[large]
        if not wanted.is_set():
            return None
        wanted.clear()
        for record in self._prints.without_sheet():
            study = self._studies.find(record.study_key)
            if record.id in self._in_hand or study is None or self._is_large(study) != large:
                continue
            if study.version and not study.changed:  # a report that lacks readings is about to be made anew
                self._in_hand.add(record.id)
                wanted.set()  # there may be more
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
            self.look()

    def failed(self, record: PrintRecord) -> None:
        """Note that a sheet could not be made."""
        _log.warning("The sheet of exam %s could not be made; it will be tried again.", record.exam_number)
        self._failures[record.id] += 1
        if self._failures[record.id] >= MOST_FAILURES:
            del self._failures[record.id]
            self._prints.end(record.id, "refused", NO_SHEET)
