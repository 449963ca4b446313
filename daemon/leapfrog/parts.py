"""The parts of the running box: started in order, watched for signs of life, stopped in reverse order, all of them."""

import logging
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from leapfrog.errors import LeapfrogError

PART_LIMIT_SECONDS = 60.0  # a part without a sign of life for this long has hung

_log = logging.getLogger(__name__)


class Part(Protocol):
    """Something that runs alongside the other parts until it is stopped."""

    def start(self) -> None:
        """Start. Raises LeapfrogError when that is impossible."""

    def stop(self) -> None:
        """Stop. Work in progress is finished, or left so that the next start can take it up."""

    def heartbeat(self) -> float:
        """time.monotonic() of the last sign of life."""


@dataclass(frozen=True)
class Watched:
    """A part, its name for people, and after how many silent seconds it counts as hung. What lets work in starts early
    and `stops_first` nevertheless.
    """

    name: str
    part: Part
    limit_seconds: float = PART_LIMIT_SECONDS
    stops_first: bool = False


class Parts:
    """All parts of the box. The order of `watched` is the order of starting."""

    def __init__(self, watched: Sequence[Watched]) -> None:
        """Nothing starts before `start`."""
        self._watched = tuple(watched)
        self._started: list[Watched] = []

    def start(self) -> None:
        """Start one part after the other. Raises what a part raises; the caller must call `stop` then too."""
        for watched in self._watched:
            self._started.append(watched)  # before it starts: one that fails half-way may have threads to stop
            watched.part.start()

    def hung(self) -> list[str]:
        """The names of the parts that have shown no sign of life for too long."""
        now = time.monotonic()
        return [watched.name for watched in self._started if now - watched.part.heartbeat() > watched.limit_seconds]

    def stop(self) -> list[str]:
        """Stop every part that was started, in reverse order, but first those that are to stop first: one that fails to
        stop keeps no other from stopping.

        Never raises. Returns the names of those that failed.
        """
        failed = []
        self._started.sort(key=lambda watched: watched.stops_first)  # the last is stopped first
        while self._started:
            watched = self._started.pop()
            try:
                watched.part.stop()
            except Exception as problem:
                failed.append(watched.name)
                log_failure(f"The part {watched.name} could not be stopped properly", problem)
        return failed


def log_failure(what: str, problem: BaseException) -> None:
    """Log that something failed: our own errors with their sentence, others with where they came from, but never with
    their text, which may quote a name.
    """
    if isinstance(problem, LeapfrogError):
        _log.error("%s: %s", what, problem)
    else:
        frames = "".join(traceback.format_tb(problem.__traceback__))
        _log.error("%s: %s\n%s", what, type(problem).__name__, frames)
