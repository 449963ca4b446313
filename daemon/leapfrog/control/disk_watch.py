"""Looks at the disks from time to time, so that `status` answers at once even when a disk does not.

That of the reports is never looked at from here: a thread that a dead share holds in the kernel would keep the process,
with its ports and its lock, from ending. The publishing program looks, and the publisher tells.
"""

import time
from collections.abc import Callable

from leapfrog.control.inspection.disk_history import DiskHistory
from leapfrog.control.inspection.disks import (
    REPORTS_DISK,
    STATE_DISK,
    DiskState,
    disk_problem,
    look_at_disk,
    reports_disk,
)
from leapfrog.control.inspection.patience import Look
from leapfrog.problem import Problem, Problems
from leapfrog.settings import Settings
from leapfrog.worker import Worker
from leapfrog.worklist.disk_jobs import DiskAnswer

ROUND_SECONDS = 10.0
SAMPLE_SECONDS = 3600.0


class DiskWatch(Worker):
    """Keeps the last look at each disk, and notes once an hour how much was free."""

    def __init__(
        self,
        settings: Settings,
        history: DiskHistory,
        reports: Callable[[], DiskAnswer],
        now: Callable[[], float] = time.time,
    ) -> None:
        """`reports` tells how the folder of the reports was at the last look; `now` gives the seconds since 1970."""
        super().__init__("disks")
        self._settings = settings
        self._history = history
        self._reports = reports
        self._now = now
        self._unfinished: Look[DiskState] | None = None
        self._disks: tuple[DiskState, ...] = ()
        self._problems = Problems()
        self._next_sample = time.monotonic()

    def disks(self) -> tuple[DiskState, ...]:
        """Each disk as it was last seen."""
        return self._disks

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with them. Of that of the reports only how soon it is full: the publisher tells the rest."""
        return self._problems.current()

    def turn(self) -> float:
        """Look at each disk once."""
        state, reports = self._with_days_left(self._state_disk()), self._with_days_left(self._reports_disk())
        self._disks = (state, reports)
        told_elsewhere = {REPORTS_DISK} if self._reports().condition != "good" else set()
        found = {
            disk.name: problem
            for disk in self._disks
            if disk.name not in told_elsewhere and (problem := disk_problem(disk, self._settings))
        }
        self._problems.keep(found)
        for name, problem in found.items():
            self._problems.add(
                name,
                problem.what,
                problem.remedy,
                for_staff=problem.for_staff,
                cannot_wait=problem.cannot_wait,
            )
        if time.monotonic() >= self._next_sample:
            self._history.add(self._now(), {disk.path: disk.free_bytes for disk in self._disks if not disk.error})
            self._next_sample = time.monotonic() + SAMPLE_SECONDS
        return ROUND_SECONDS

    def _state_disk(self) -> DiskState:
        path = self._settings.state_dir
        look, self._unfinished = self._unfinished or Look(lambda: look_at_disk(STATE_DISK, path)), None
        try:
            return look.result()
        except OSError as problem:
            if not look.done:
                self._unfinished = look  # one thread waits for a dead disk, not one more each round
            return DiskState(name=STATE_DISK, path=str(path), error=problem.strerror or type(problem).__name__)

    def _reports_disk(self) -> DiskState:
        return reports_disk(self._reports(), self._settings.reports_dir)

    def _with_days_left(self, disk: DiskState) -> DiskState:
        if disk.error:
            return disk
        least = self._settings.retention.min_free_bytes if disk.name == STATE_DISK else 0
        days = self._history.days_left(disk.path, disk.free_bytes, least, self._now())
        return disk.model_copy(update={"days_left": days})
