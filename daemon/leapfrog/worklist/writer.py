"""Keeps `reports/index.html` true: writes the worklist anew when a report appeared, and now and then so that its clock
shows that the box lives.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from leapfrog.state.studies import Studies
from leapfrog.wording.report import WorklistRow
from leapfrog.worker import Worker
from leapfrog.worklist.worklist import WorklistStatus, write_worklist

WORKLIST_STUDIES = 500  # what staff scroll and search; older reports stay in their folders by date
SHORTEST_PAUSE_SECONDS = 1.0  # a burst of reports writes the list once a second, not once a report
LONGEST_PAUSE_SECONDS = 30.0

_log = logging.getLogger(__name__)


class WorklistWriter(Worker):
    """Writes the worklist at once, and then whenever it is woken, coalesced."""

    def __init__(self, reports_dir: Path, studies: Studies, status: Callable[[], WorklistStatus]) -> None:
        """`status` says how the box is. Nothing is written until `start`."""
        super().__init__("worklist")
        self._reports_dir = reports_dir
        self._studies = studies
        self._status = status

    def stop(self) -> None:
        """Write it a last time, so that it shows what was finished."""
        super().stop()
        self._write()

    def turn(self) -> float:
        """Write it, and no more for a while, whoever calls."""
        self._write()
        self._stopping.wait(SHORTEST_PAUSE_SECONDS)
        return LONGEST_PAUSE_SECONDS

    def _write(self) -> None:
        studies = [study for study in self._studies.newest(WORKLIST_STUDIES) if study.version]
        exams = [(study, WorklistRow.model_validate_json(study.worklist_row)) for study in studies]
        try:
            write_worklist(self._reports_dir, exams, self._status())
        except OSError as problem:  # a full disk: the list grows old, which its clock shows, and reading goes on
            _log.warning("The worklist could not be written: %s.", problem.strerror)
