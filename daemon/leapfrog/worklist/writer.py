"""Keeps the worklist up to date: writes it anew, in the state directory, when a report was published, and from time to
time so that its clock shows that the box is running. The publisher brings it to the folder that staff open.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from leapfrog.state.records import StudyRecord
from leapfrog.state.studies import Studies
from leapfrog.wording.report_words import WorklistRow
from leapfrog.worker import Worker
from leapfrog.worklist.worklist import WorklistStatus, write_worklist

WORKLIST_STUDIES = 500  # as many as staff scroll through and search; older reports stay in their folders by date
UNREAD_STUDIES = 50  # of which no image could be read: so many are shown however many were read
SHORTEST_PAUSE_SECONDS = 1.0  # in a burst of reports the list is written once per second, not once per report
LONGEST_PAUSE_SECONDS = 30.0

_log = logging.getLogger(__name__)


class WorklistWriter(Worker):
    """Writes the worklist at the start and whenever it is woken, but not more than once per second."""

    def __init__(
        self, directory: Path, studies: Studies, status: Callable[[], WorklistStatus], on_written: Callable[[], None]
    ) -> None:
        """`status` gives the state of the box; `on_written` is called when `directory` has a new list. Nothing is
        written until `start`.
        """
        super().__init__("worklist")
        self._directory = directory
        self._on_written = on_written
        self._studies = studies
        self._status = status

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
        studies = self._studies.for_worklist(WORKLIST_STUDIES, UNREAD_STUDIES)
        exams = [(study, row) for study in studies if (row := _row_of(study)) is not None]
        try:
            write_worklist(self._directory, exams, self._status())
        except OSError as problem:  # such as a full disk: reading goes on, and the list's clock shows that it is old
            _log.warning("The worklist could not be written: %s.", problem.strerror)
        else:
            self._on_written()


def _row_of(study: StudyRecord) -> WorklistRow | None:
    """The study's line; None, with a word in the log, when it cannot be read: one bad row must not cost the list."""
    try:
        return WorklistRow.model_validate_json(study.worklist_row)
    except ValidationError:
        _log.warning("The line of exam %s (%s) cannot be read, so the worklist lacks it.", study.exam_number, study.key)
        return None
