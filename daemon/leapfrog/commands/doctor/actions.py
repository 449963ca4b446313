"""Whether the log of who did what is whole."""

from collections.abc import Iterator
from pathlib import Path

from leapfrog.commands.doctor.check import Check, ok, wrong
from leapfrog.control.action_log_watch import REMEDY
from leapfrog.errors import StorageError
from leapfrog.state.actions.check import check
from leapfrog.state.actions.seen import seen_by_daemon

NAME = "log of who did what"


def action_log_checks(state_dir: Path) -> Iterator[Check]:
    """Read all of it. A box on which nobody did anything has none, which is no problem."""
    try:
        checked = check(state_dir, seen_by_daemon(state_dir))
    except StorageError as problem:
        yield wrong(NAME, str(problem), "")
        return
    if checked.problems:
        yield wrong(NAME, " ".join(checked.problems), REMEDY)
    elif checked.newest:
        yield ok(NAME, f"actions {checked.first} to {checked.newest} are as they were written")
