"""Whether the log of who did what is whole is looked at now and then, and against what was there the last time."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from leapfrog.errors import StorageError, UsageError
from leapfrog.problem import Problem, Problems
from leapfrog.state.actions.check import check
from leapfrog.state.actions.seen import SEEN_FACT, line_seen
from leapfrog.state.facts import Facts

LOOK_SECONDS = 3600.0
BROKEN = "broken"
REMEDY = (
    "`leapfrog actions --verify` says more. Find out who may act as root or as the daemon's user on this box, and"
    " compare with what the district kept of it (the box's state there has the newest line)."
)


class ActionLogWatch:
    """Looks at the log of one state directory. Any thread may call it."""

    def __init__(self, state_dir: Path, facts: Facts, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nothing is looked at before somebody asks."""
        self._state_dir = state_dir
        self._facts = facts
        self._monotonic = monotonic
        self._look_at = monotonic()
        self._problems = Problems()

    def problems(self) -> tuple[Problem, ...]:
        """That it was changed, or is not to be read. Looks at most once an hour: 32 MiB take some seconds."""
        if self._monotonic() >= self._look_at:
            self._look_at = self._monotonic() + LOOK_SECONDS
            self._look()
        return self._problems.current()

    def _look(self) -> None:
        seen = None
        with suppress(UsageError):
            seen = line_seen(self._facts.get(SEEN_FACT) or "")
        try:
            checked = check(self._state_dir, seen)
        except StorageError as problem:
            self._problems.add(BROKEN, str(problem))
            return
        if checked.problems:
            what = f"The log of who did what is not as it was written. {checked.problems[0]}"
            self._problems.add(BROKEN, what, REMEDY)
            return
        self._problems.clear(BROKEN)
        if checked.newest and seen != (checked.newest, checked.newest_hash):
            self._facts.put(SEEN_FACT, f"{checked.newest}:{checked.newest_hash}")
