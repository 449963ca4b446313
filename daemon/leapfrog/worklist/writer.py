"""Keeps the worklist up to date: writes it anew, in the state directory, when a report was published or what it shows
changed otherwise. The publisher brings it to the folder that staff open.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from leapfrog.state.exam_states import exam_states
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyRecord
from leapfrog.state.studies import Studies
from leapfrog.wording.report_words import WorklistRow
from leapfrog.worker import Worker
from leapfrog.worklist.box_line import BoxState
from leapfrog.worklist.listed_exam import ListedExam
from leapfrog.worklist.worklist import render_worklist, write_worklist

WORKLIST_STUDIES = 500  # as many as staff scroll through and search; older reports stay in their folders by date
UNREAD_STUDIES = 50  # of which no image could be read: so many are shown however many were read
SHORTEST_PAUSE_SECONDS = 1.0  # in a burst of reports the list is written once per second, not once per report
LONGEST_PAUSE_SECONDS = 30.0  # for what changes without a report: something was sent, the disk fills

_log = logging.getLogger(__name__)


class WorklistWriter(Worker):
    """Writes the worklist at the start and whenever it is woken, but not more than once per second, and not when it
    would show the same as before.
    """

    def __init__(
        self, directory: Path, journal: Journal, box: Callable[[], BoxState], on_written: Callable[[str], None]
    ) -> None:
        """`box` gives the state of the box; `on_written` is called when `directory` has a new list, with its identity.
        Nothing is written until `start`.
        """
        super().__init__("worklist")
        self._directory = directory
        self._on_written = on_written
        self._journal = journal
        self._studies = Studies(journal)
        self._box = box
        self._written = ""

    def stop(self) -> None:
        """Write the list one last time, so that it shows everything that was finished."""
        super().stop()
        self._write()

    def turn(self) -> float:
        """Write the list, then pause for a while, whoever wakes this thread."""
        self._write()
        self._stopping.wait(SHORTEST_PAUSE_SECONDS)
        return LONGEST_PAUSE_SECONDS

    def _write(self) -> None:
        worklist = render_worklist(self._exams(), self._box())
        if worklist.identity == self._written:
            return
        try:
            write_worklist(self._directory, worklist)
        except OSError as problem:  # such as a full disk: reading goes on, and it is tried again
            _log.warning("The worklist could not be written: %s.", problem.strerror)
        else:
            self._written = worklist.identity
            self._on_written(worklist.identity)

    def _exams(self) -> list[ListedExam]:
        studies = self._studies.for_worklist(WORKLIST_STUDIES, UNREAD_STUDIES)
        states = exam_states(self._journal, [study.key for study in studies])
        return [
            ListedExam(study, row, states[study.key])
            for study in studies
            if study.key in states and (row := _row_of(study)) is not None
        ]


def _row_of(study: StudyRecord) -> WorklistRow | None:
    """The study's line; None, with a word in the log, when it cannot be read: one bad row must not cost the list."""
    try:
        return WorklistRow.model_validate_json(study.worklist_row)
    except ValidationError:
        _log.warning("The line of exam %s (%s) cannot be read, so the worklist lacks it.", study.exam_number, study.key)
        return None
