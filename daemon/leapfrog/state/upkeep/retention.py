"""Deletes studies that are confirmed and old enough, but only while the clock can be trusted.

A study's age is counted from the first round that finds it finished, in the days of `kept_days.py`. Its files are
looked at before they go: damage that nobody knew of keeps the study as long again, so that people hear of it while the
machine that made the image may still have it.
"""

import ctypes
import logging
import time
from collections.abc import Callable
from datetime import date, datetime

from leapfrog.state.answer_files import AnswerFiles
from leapfrog.state.answers import Answers
from leapfrog.state.facts import Facts
from leapfrog.state.records import FinishedStudy
from leapfrog.state.spool import Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.studies import Studies
from leapfrog.state.upkeep.instance_files import InstanceFiles
from leapfrog.state.upkeep.kept_days import KeptDays
from leapfrog.worker import UNTIL_WOKEN, Worker

ROUND_SECONDS = 3600.0
SECONDS_UNTIL_READY = 1.0
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
        facts: Facts,
        spool: Spool,
        files: SpooledFiles,
        answers: Answers,
        answer_files: AnswerFiles,
        keep_days: int,
        ready: Callable[[], bool] = lambda: True,
        synchronised: Callable[[], bool] = clock_is_synchronised,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is deleted until `start`, nor before it is `ready`: only then does the journal know every image that
        came, and a study that one came for is not finished.
        """
        super().__init__("retention")
        self._studies = studies
        self._spool = spool
        self._files = files
        self._instances = InstanceFiles(files, spool)
        self._answers = answers
        self._answer_files = answer_files
        self._keep_days = keep_days
        self._ready = ready
        self._kept_days = KeptDays(facts, synchronised, monotonic)

    def turn(self) -> float:
        """Do one round. Returns the seconds until the next, which do not depend on the wall clock."""
        if not self._ready():
            return SECONDS_UNTIL_READY
        self._answer_files.keep_only(self._answers.ids())  # a power cut may have left one behind
        self.round(datetime.now().astimezone().date())
        return ROUND_SECONDS

    def round(self, today: date) -> int:
        """Date the studies that are finished and delete those that are old enough. Returns how many were deleted.

        The spool files of a study are first put where nobody adopts them, durably, before its rows go in one
        transaction: so a power cut in between neither revives a study that was forgotten nor loses one that was not
        yet. That transaction also notes the report as one to be taken away: the publisher does that. Then go the files;
        what a power cut leaves of them, the next round or start deletes.
        """
        deleted = 0
        days = self._kept_days.count(today)
        if days is not None:
            self._date_finished(days)
            limit = days - self._keep_days
            while self.beat() and (study := self._studies.finished_before(limit)) is not None:
                if self._has_unknown_damage(study.key):
                    self._studies.count_days_anew(study.key)
                    continue
                with self._studies.in_use.using(study.key):
                    deleted += self._forget(study, limit)
        if deleted:
            _log.info("Studies deleted: %d. They were older than retention.keep_days, and nothing was owed.", deleted)
        return deleted

    def _forget(self, study: FinishedStudy, limit: int) -> bool:
        """Delete one. Returns whether it was deleted."""
        if self._studies.find(study.key) is None:  # a person had it forgotten
            return False
        self._spool.forget(study.spool_names)
        answers = self._answers.ids_of(study.key)
        if not self._studies.forget(study, limit):  # an image came in between
            self._spool.take_back(study.spool_names)
            return False
        self._answer_files.remove(answers)
        self._spool.discard_forgotten()
        return True

    def _has_unknown_damage(self, study_key: str) -> bool:
        """Whether a file of the study is missing or damaged, and the journal did not know it."""
        found = False
        for file in self._files.of_study(study_key):
            self.beat(UNTIL_WOKEN)  # a large file on a slow disk
            problem = self._instances.look(file)
            found = found or (problem is not None and file.file_problem is None)
        return found

    def _date_finished(self, days: int) -> None:
        after: int | None = 0
        while self.beat() and after is not None:
            after = self._studies.date_finished(days, after)
