"""Deletes studies that are confirmed and old enough, but only while the clock can be trusted.

A box without a clock battery may start with a clock that is years off. So a study's age is not counted from the time
when it arrived, but from the first round that finds the study finished while the system's clock is synchronised.
"""

import ctypes
import logging
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from leapfrog.state.records import StudyRecord
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from leapfrog.worker import Worker

ROUND_SECONDS = 3600.0
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES = 256  # struct timex is 208 bytes on 64-bit Linux; all zeros means: change nothing

_log = logging.getLogger(__name__)


def clock_is_synchronised() -> bool:
    """Whether NTP or the like keeps the kernel's clock right (adjtimex(2))."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    return state not in {-1, TIME_ERROR}


class Retention(Worker):
    """Once an hour, deletes studies that are older than the limit and of which nothing is owed."""

    def __init__(
        self,
        *,
        studies: Studies,
        spool: Spool,
        report_dir: Callable[[StudyRecord], Path],
        keep_days: int,
        synchronised: Callable[[], bool] = clock_is_synchronised,
    ) -> None:
        """`report_dir` gives the folder of a study's report."""
        super().__init__("retention")
        self._studies = studies
        self._spool = spool
        self._report_dir = report_dir
        self._keep = timedelta(days=keep_days)
        self._synchronised = synchronised

    def turn(self) -> float:
        """Do one round. Returns the seconds until the next, which do not depend on the wall clock."""
        self.round(datetime.now().astimezone())
        return ROUND_SECONDS

    def round(self, now: datetime) -> int:
        """Date the studies that are finished and delete those that are old enough. Returns how many were deleted.

        The report is deleted first, then the rows, then the spool files. A power cut in between leaves a study without
        its report, which the next round deletes, or files without a row, which the next start sweeps.
        """
        if not self._synchronised():
            return 0
        self._studies.date_finished(now)
        deleted = 0
        for study in self._studies.dated_before(now - self._keep):
            if not self.beat():
                break
            shutil.rmtree(self._report_dir(study), ignore_errors=True)
            for spool_name in self._studies.forget(study.key):
                self._spool.remove(spool_name)
            deleted += 1
        if deleted:
            _log.info("Studies deleted: %d. They were older than retention.keep_days, and nothing was owed.", deleted)
        return deleted
