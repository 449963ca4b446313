"""Forgets what is confirmed and old enough, and only while the clock can be believed.

A box without a clock battery wakes up years off. So a study's age is not taken from when it says it came: it begins
with the first round that finds the study finished while the system's clock is synchronised.
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
TIMEX_BYTES = 256  # struct timex is 208 bytes on 64-bit Linux; all zeros means: only look

_log = logging.getLogger(__name__)


def clock_is_synchronised() -> bool:
    """Whether the kernel's clock is disciplined by NTP or the like (adjtimex(2))."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    return state not in {-1, TIME_ERROR}


class Retention(Worker):
    """Once an hour, removes studies of which nothing is owed and that are older than the limit."""

    def __init__(
        self,
        *,
        studies: Studies,
        spool: Spool,
        report_dir: Callable[[StudyRecord], Path],
        keep_days: int,
        synchronised: Callable[[], bool] = clock_is_synchronised,
    ) -> None:
        """`report_dir` tells where a study's report lies."""
        super().__init__("retention")
        self._studies = studies
        self._spool = spool
        self._report_dir = report_dir
        self._keep = timedelta(days=keep_days)
        self._synchronised = synchronised

    def turn(self) -> float:
        """A round. The next one comes when so much time has passed, whatever the clock shows by then."""
        self.round(datetime.now().astimezone())
        return ROUND_SECONDS

    def round(self, now: datetime) -> int:
        """Date what is finished, forget what is old enough. Returns how many studies went.

        The report goes first, then the rows, then the spool's files: a cut in between leaves a study without its
        report, which the next round finishes, or files without a row, which a start sweeps.
        """
        if not self._synchronised():
            return 0
        self._studies.date_finished(now)
        forgotten = 0
        for study in self._studies.dated_before(now - self._keep):
            if not self.beat():
                break
            shutil.rmtree(self._report_dir(study), ignore_errors=True)
            for spool_name in self._studies.forget(study.key):
                self._spool.remove(spool_name)
            forgotten += 1
        if forgotten:
            _log.info("Forgot %d studies: confirmed or never owed, and older than retention.keep_days.", forgotten)
        return forgotten
