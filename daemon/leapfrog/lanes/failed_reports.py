"""Reports that could not be made, however often that was tried: a person is to know of them."""

import logging
import threading
from collections import Counter

from leapfrog.problem import Problem, Problems
from leapfrog.state.records import StudyRecord

FAILURES_TOLD = 3  # in a row; fewer may be a chance, such as a box that was short of memory for a moment

WHAT = "The report of exam {exam_number} cannot be made, although Leapfrog tried again and again."
REMEDY = (
    "Leapfrog goes on trying by itself. The images are kept: look at them yourself. Send the log to those who maintain"
    " Leapfrog."
)

_log = logging.getLogger(__name__)


class FailedReports:
    """The latest failures, by study. Any thread may call it."""

    def __init__(self) -> None:
        """None failed yet."""
        self._lock = threading.Lock()  # guards the one below
        self._failures = Counter[str]()
        self._problems = Problems()

    def failed(self, study: StudyRecord) -> None:
        """Note that a version of its report was tried and came to nothing."""
        _log.warning(
            "The report of exam %s (%s) could not be rendered; it will be tried again.", study.exam_number, study.key
        )
        with self._lock:
            self._failures[study.key] += 1
            is_told = self._failures[study.key] >= FAILURES_TOLD
        if is_told:
            self._problems.add(study.key, WHAT.format(exam_number=study.exam_number or study.key), REMEDY)

    def settled(self, study_key: str) -> None:
        """Note that a version was made, or that the study is gone."""
        with self._lock:
            self._failures.pop(study_key, None)
        self._problems.clear(study_key)

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now."""
        return self._problems.current()
