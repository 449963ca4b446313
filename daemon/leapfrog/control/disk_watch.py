"""Looks at the disks from time to time, so that `status` answers at once even when a disk does not."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from leapfrog.control.inspection.disk_history import DiskHistory
from leapfrog.control.inspection.disks import REPORTS_DISK, STATE_DISK, DiskState, disk_problem, look_at_disk
from leapfrog.control.inspection.patience import Look
from leapfrog.problem import Problem, Problems
from leapfrog.settings import Settings
from leapfrog.worker import Worker

ROUND_SECONDS = 10.0
SAMPLE_SECONDS = 3600.0


def watched_disks(settings: Settings) -> Mapping[str, Path]:
    """The disks that matter to this box, by what they are called when people are told."""
    return {STATE_DISK: settings.state_dir, REPORTS_DISK: settings.reports_dir}


class DiskWatch(Worker):
    """Keeps the last look at each disk, and notes once an hour how much was free."""

    def __init__(self, settings: Settings, history: DiskHistory, now: Callable[[], float] = time.time) -> None:
        """`now` gives the seconds since 1970."""
        super().__init__("disks")
        self._settings = settings
        self._history = history
        self._now = now
        self._looks: dict[str, Look[DiskState]] = {}  # those that have not ended yet
        self._disks: tuple[DiskState, ...] = ()
        self._problems = Problems()
        self._next_sample = time.monotonic()

    def disks(self) -> tuple[DiskState, ...]:
        """Each disk as it was last seen."""
        return self._disks

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with them."""
        return self._problems.current()

    def turn(self) -> float:
        """Look at each disk once."""
        self._disks = tuple(self._look(name, path) for name, path in watched_disks(self._settings).items())
        found = {disk.name: problem for disk in self._disks if (problem := disk_problem(disk, self._settings))}
        self._problems.keep(found)
        for name, problem in found.items():
            self._problems.add(name, problem.what, problem.remedy)
        if time.monotonic() >= self._next_sample:
            self._history.add(self._now(), {disk.path: disk.free_bytes for disk in self._disks if not disk.error})
            self._next_sample = time.monotonic() + SAMPLE_SECONDS
        return ROUND_SECONDS

    def _look(self, name: str, path: Path) -> DiskState:
        look = self._looks.pop(name, None) or Look(lambda: look_at_disk(name, path))
        try:
            disk = look.result()
        except OSError as problem:
            if not look.done:
                self._looks[name] = look  # one thread waits for a dead share, not one more each round
            return DiskState(name=name, path=str(path), error=problem.strerror or type(problem).__name__)
        least = self._settings.retention.min_free_bytes if name == STATE_DISK else 0
        days = self._history.days_left(disk.path, disk.free_bytes, least, self._now())
        return disk.model_copy(update={"days_left": days})
