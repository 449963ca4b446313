"""The report that the side lane makes now, and how it is given up for what does not wait for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from leapfrog.lanes.job_end import GivenUp, JobEnd
from leapfrog.lanes.lane import Lane
from leapfrog.processes.messages import ReportJob


class Beside:
    """A report of a large exam takes long. What is urgent and was read meanwhile is to be shown before it ends, and no
    two versions of a report are made at once. Any thread may call it.
    """

    def __init__(self) -> None:
        """Nothing is made."""
        self._lock = threading.Lock()  # guards the ones below
        self._study_key: str | None = None
        self._is_overtaken = False
        self._at_work: tuple[Lane, ReportJob] | None = None

    @contextmanager
    def making(self, study_key: str) -> Iterator[None]:
        """The side lane makes a report of this study during the block."""
        with self._lock:
            self._study_key, self._is_overtaken = study_key, False
        try:
            yield
        finally:
            with self._lock:
                self._study_key = self._at_work = None

    def run(self, lane: Lane, job: ReportJob) -> JobEnd:
        """Run the job of the report that is made. Raises what the lane raises."""
        with self._lock:
            if self._is_overtaken:
                return GivenUp()
            self._at_work = lane, job
        return lane.run(job)

    def overtake(self, study_key: str) -> None:
        """Give up the report of this study, if it is the one that is made: it lacks something urgent, for example."""
        with self._lock:
            if self._study_key == study_key:
                self._is_overtaken = True
                if self._at_work is not None:
                    lane, job = self._at_work
                    lane.give_up(job)
