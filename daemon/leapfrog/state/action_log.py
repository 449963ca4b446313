"""The log of who did what on this box: commands that change something, prints, exports, and what was refused.

Two ways to note something. `acting` is for what must not happen without a trace: what leaves the box, what is
destroyed, what changes whom or what the box trusts. It notes the action before it begins, and refuses it where that
cannot be written. `note_action` is for the rest, after it was done: on a full disk, an exam must still be read again at
night.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leapfrog.errors import LeapfrogError, StorageError, UsageError
from leapfrog.state.actions.files import ActionFiles
from leapfrog.state.actions.line import ActionLine, Outcome, line_in, named, shortened
from leapfrog.state.actions.who import Who, own_self

COUNTED_DAYS = 7
EXPORT_COPY = "export_copy"  # a patient's own copy of an exam
REFUSED = "refused"  # what `counts` calls everything that was refused

_log = logging.getLogger(__name__)
_unwritten_lock = threading.Lock()
_unwritten = Counter[Path]()  # of this process, by state directory


@dataclass
class Acted:
    """What is done within `acting`: whoever does it says here how it went, as far as that is worth a line."""

    detail: str = ""


def note_action(
    state_dir: Path,
    action: str,
    about: str | Sequence[str] = "",
    detail: str = "",
    *,
    outcome: Outcome = "done",
    who: Who | None = None,
    begun: int | None = None,
) -> bool:
    """Note what was done, durably. `about`: numbers of exams, ids of ours, names of destinations or packages; `detail`:
    one short sentence. Neither may name a patient. `who`: by default whoever runs this process.

    Returns False where it cannot be written: the next line says then that some are missing.
    """
    shown, more = named(about)
    try:
        _add(state_dir, action, shown, more, detail, outcome, who or own_self(), begun)
    except StorageError as problem:
        with _unwritten_lock:
            _unwritten[state_dir] += 1
        _log.warning("%s Not noted: %s %s, %s.", problem, action, " ".join(shown), outcome)
        return False
    return True


@contextmanager
def acting(
    state_dir: Path,
    action: str,
    about: str | Sequence[str] = "",
    detail: str = "",
    *,
    who: Who | None = None,
    telling: bool = True,
) -> Iterator[Acted]:
    """Note `action` before and after the block that does it. Raises StorageError, before anything is done, when it
    cannot be noted. An error of ours that ends the block is noted too, as refused where it is a UsageError; with its
    message, unless that is not `telling`: it may repeat what a person typed.
    """
    doer = who or own_self()
    shown, more = named(about)
    line = _add(state_dir, action, shown, more, detail, "begun", doer, None)
    acted = Acted()

    def ended(outcome: Outcome, how: str) -> None:
        note_action(state_dir, action, about, how, outcome=outcome, who=doer, begun=line.sequence)

    try:
        yield acted
    except UsageError as problem:
        ended("refused", str(problem) if telling else "")
        raise
    except LeapfrogError as problem:
        ended("failed", str(problem) if telling else "")
        raise
    except BaseException as problem:
        ended("failed", type(problem).__name__)
        raise
    ended("done", acted.detail)


def counts(state_dir: Path, days: int = COUNTED_DAYS) -> dict[str, int]:
    """How often each action was done in the last `days`, by the box's clock; and how many were refused. What cannot be
    read counts as nothing.
    """
    since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    counted = Counter[str]()
    with suppress(OSError):
        for line in _lines(state_dir):
            if line.at < since:
                break
            if line.outcome in ("done", REFUSED):
                counted[REFUSED if line.outcome == REFUSED else line.action] += 1
    return dict(counted)


def copies_of(state_dir: Path, exam_number: str) -> int:
    """How many patients' own copies of an exam were made, as far back as the log goes. Raises StorageError."""
    return sum(
        line.action == EXPORT_COPY and line.outcome == "done" and exam_number in line.about for line in lines(state_dir)
    )


def newest_hash(state_dir: Path) -> str:
    """The newest line, as number:hash; "" where there is none. Whoever keeps it elsewhere finds out with it whether the
    past was rewritten since then: `leapfrog actions --verify --holds NUMBER:HASH`.
    """
    try:
        sequence, newest = ActionFiles(state_dir).newest()
    except OSError:
        return ""
    return f"{sequence}:{newest}" if sequence else ""


def lines(state_dir: Path) -> Iterator[ActionLine]:
    """The lines, newest first; those that say nothing are left out. Raises StorageError when they cannot be read."""
    try:
        yield from _lines(state_dir)
    except OSError as problem:
        raise StorageError(
            f"The log of who did what cannot be read: {problem.strerror}. Run this as root or as the daemon's user."
        ) from problem


def _lines(state_dir: Path) -> Iterator[ActionLine]:
    for file in reversed(ActionFiles(state_dir).files()):
        for one in reversed(file.read_bytes().split(b"\n")[:-1]):
            if (line := line_in(one)) is not None:
                yield line


def _add(
    state_dir: Path,
    action: str,
    about: tuple[str, ...],
    more: int,
    detail: str,
    outcome: Outcome,
    who: Who,
    begun: int | None,
) -> ActionLine:
    with _unwritten_lock:
        missing = _unwritten.pop(state_dir, 0)
    said = shortened(detail)
    if missing:
        said = f"{said} ({missing} before this could not be noted)".strip()
    line = ActionLine(
        sequence=0,
        at="",
        who=who,
        action=action,
        about=about,
        more=more,
        outcome=outcome,
        detail=said,
        begun=begun,
        before="",
    )
    try:
        return ActionFiles(state_dir).add(line)
    except StorageError:
        with _unwritten_lock:
            _unwritten[state_dir] += missing
        raise
