"""`leapfrog journal check` and `rebuild`: what is wrong with the journal, and making it anew from the spool."""

import time
from dataclasses import dataclass
from pathlib import Path

from leapfrog.control.control_socket import StateLock
from leapfrog.errors import DaemonNotRunning, JournalError, StateDirectoryHeld, StorageError
from leapfrog.exam import Frozen
from leapfrog.problem import Problem
from leapfrog.settings import Settings
from leapfrog.state.action_log import acting
from leapfrog.state.exam_numbers import ExamNumbers
from leapfrog.state.forgetting.exam import ExamForgetting
from leapfrog.state.journal import DAMAGED_NAME, JOURNAL_NAME, Journal
from leapfrog.state.recipients import Recipients
from leapfrog.state.rendered import RENDERED_NAME
from leapfrog.state.spool import INCOMPLETE, SPOOL_NAME, Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.start.adoption import Adoption
from leapfrog.state.start.damage import find_damage
from leapfrog.state.start.opening import Opening, keep_aside
from leapfrog.state.start.owing import owe_what_is_wanted
from leapfrog.worklist.rendered_report import rendered_report

POLL_SECONDS = 0.05
REBUILDS = "`leapfrog run` makes a new one from the spool by itself; `leapfrog journal rebuild` does it now."


class JournalCheck(Frozen):
    """What `check` found. `searched` is whether the journal's file was searched, which a running daemon prevents."""

    path: str
    searched: bool
    problems: tuple[Problem, ...]
    aside: tuple[str, ...]
    kept: tuple[str, ...]

    def lines(self) -> list[str]:
        """The same for people."""
        lines = [problem.text for problem in self.problems]
        lines += [f"    {name}" for name in self.aside]
        if not self.searched:
            lines.append("The daemon is running: the journal's file was not searched. Stop it to search all of it.")
        elif not self.problems:
            lines.append(f"{self.path}: nothing is wrong.")
        if self.kept:
            lines.append(f"Kept from earlier: {', '.join(self.kept)}")
        return lines


@dataclass(frozen=True)
class Rebuilt:
    """A journal that was made anew; `kept` is where the old one is, "" if there was none."""

    path: str
    kept: str
    instances: int
    laid_aside: int

    def sentence(self) -> str:
        """What was done."""
        kept = f" The old one is kept as {self.kept}." if self.kept else ""
        aside = f" Files laid aside: {self.laid_aside} (`leapfrog journal check`)." if self.laid_aside else ""
        return f"{self.path} was made anew from the spool: {self.instances} images.{kept}{aside}"


def check(settings: Settings) -> JournalCheck:
    """Look at the journal and at what lies aside. Raises DaemonNotRunning when there is no journal, StorageError when
    the disk fails.
    """
    path = settings.state_dir / JOURNAL_NAME
    if not path.exists() and not (settings.state_dir / SPOOL_NAME).is_dir():
        raise DaemonNotRunning(f"There is no journal in {settings.state_dir}: no daemon has ever run here.")
    aside = settings.state_dir / SPOOL_NAME / "aside"
    laid = sorted(entry.name for entry in aside.iterdir()) if aside.is_dir() else []
    problems, searched = [], True
    try:
        with StateLock(settings.state_dir):
            problems += _search(path, settings)
    except StateDirectoryHeld:
        searched = False
    if alarming := [name for name in laid if not name.endswith(f".{INCOMPLETE}")]:
        problems.append(
            Problem(
                what=f"{len(alarming)} file(s) in {aside} may hold images, but are damaged or of unknown origin.",
                remedy="Send these exams again from the machines that made them, then move the files elsewhere.",
            )
        )
    kept = tuple(sorted(entry.name for entry in settings.state_dir.glob("journal.damaged-*.sqlite")))
    return JournalCheck(path=str(path), searched=searched, problems=tuple(problems), aside=tuple(laid), kept=kept)


def rebuild(settings: Settings) -> Rebuilt:
    """Make the journal anew from the spool; the old one is kept. No daemon may run. Raises StateDirectoryHeld when one
    does, StorageError when the disk fails.
    """
    path = settings.state_dir / JOURNAL_NAME
    if not (settings.state_dir / SPOOL_NAME).is_dir():
        raise DaemonNotRunning(f"There is no spool in {settings.state_dir}: no daemon has ever run here.")
    with acting(settings.state_dir, "journal rebuild"), StateLock(settings.state_dir):
        kept = str(keep_aside(path)) if path.exists() else ""
        journal = Journal(path)
        try:
            spool = Spool(settings.state_dir / SPOOL_NAME, settings.retention.min_free_bytes)
            ExamForgetting(journal, spool).finish()
            before = spool.aside_alarming()
            _go_through(settings, journal, spool, "A person asked for a new journal.")
            instances = sum(journal.counts("instances").values())
            return Rebuilt(str(path), kept, instances, spool.aside_alarming() - before)
        finally:
            journal.close()


def _search(path: Path, settings: Settings) -> list[Problem]:
    if not path.exists() or not path.stat().st_size:
        return [Problem(what=f"The journal {path} is missing or empty.", remedy=REBUILDS)]
    if path.with_name(DAMAGED_NAME).exists():
        return [Problem(what=f"Damage was found in the journal {path} while it was in use.", remedy=REBUILDS)]
    try:
        journal = Journal(path, migrate=False)
    except JournalError as problem:  # from another version
        return [Problem(what=str(problem))]
    except StorageError:
        return [Problem(what=f"The journal {path} is damaged: it cannot be opened.", remedy=REBUILDS)]
    try:
        return _search_opened(journal, path, settings)
    finally:
        journal.close()


def _search_opened(journal: Journal, path: Path, settings: Settings) -> list[Problem]:
    try:
        damage = find_damage(journal, path, whole=True)
    except StorageError as problem:
        damage = str(problem)
    if damage:
        return [Problem(what=f"The journal {path} is damaged. {damage}", remedy=REBUILDS)]
    return _unknown_files(journal, settings)


def _unknown_files(journal: Journal, settings: Settings) -> list[Problem]:
    spool = Spool(settings.state_dir / SPOOL_NAME, settings.retention.min_free_bytes)
    unknown = SpooledFiles(journal).unknown(spool.names())
    if not unknown:
        return []
    what = f"{len(unknown)} file(s) in the spool are not in the journal; it may be an older copy."
    return [Problem(what=what, remedy="`leapfrog run` takes them into it by itself.")]


def _go_through(settings: Settings, journal: Journal, spool: Spool, why: str) -> None:
    recipients = Recipients(settings.destinations)
    owe_what_is_wanted(journal, recipients, spool)
    adoption = Adoption(
        journal=journal,
        spool=spool,
        numbers=ExamNumbers(journal, settings.state_dir, settled=False),
        recipients=recipients,
        rendered=lambda key: rendered_report(settings.state_dir / RENDERED_NAME / key),
        opening=Opening(in_order=False, rebuilt=why),
        on_adopted=lambda: None,
    )
    adoption.start()
    try:
        while not adoption.finished():
            time.sleep(POLL_SECONDS)
    finally:
        adoption.stop()
