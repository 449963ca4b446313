"""The station's key as the daemon has it: made at the first start, and never in the place of one that was lost.

Whoever knows this box by its public key would take the sheets that a new key signs for those of a stranger. So a start
that finds no key, and any sign that there was one, signs nothing and says so, until a person puts the key back or has a
new one made.
"""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from leapfrog.durable import write_durably
from leapfrog.errors import StorageError
from leapfrog.problem import Problem
from leapfrog.state.facts import Facts
from leapfrog.state.journal import Journal
from leapfrog.state.station.station_key import (
    KEY_MODE,
    THRESHOLDS_NAME,
    StationKey,
    changed_mark,
    existing_station_key,
    keep_public_key,
    kept_public_key,
    public_key_file,
    station_folder,
    station_key,
    station_key_file,
    was_public_key,
)

FACT = "station_key"  # id of the key, in the journal


class KeyAtStart:
    """The key that this run signs with, if it has one, and what is wrong with it."""

    def __init__(self, state_dir: Path, journal: Journal) -> None:
        """Look for it, and make it if this box never had one. Raises JournalError when the journal cannot be used."""
        self.key: StationKey | None = None
        self._state_dir = state_dir
        self._problem: Problem | None = None
        self._is_lost = False
        facts = Facts(journal)
        try:
            self.key = existing_station_key(state_dir)
            if self.key is None:
                if was_lost(state_dir, lambda: facts.get(FACT)):
                    self._is_lost = True
                    self._problem = lost_key(state_dir)
                    return
                self.key = station_key(state_dir)
            if self._is_another(facts.get(FACT)):
                write_durably(changed_mark(state_dir), self.key.id.encode("ascii"))
            keep_public_key(state_dir, self.key)
        except StorageError as problem:
            self._problem = Problem(what=str(problem), remedy=_UNTIL_THEN)
        except OSError as problem:
            what = f"The folder {station_folder(state_dir)} cannot be written: {problem.strerror}."
            self._problem = Problem(what=what)
        if self.key is not None and facts.get(FACT) != self.key.id:
            facts.put(FACT, self.key.id)

    def problems(self) -> tuple[Problem, ...]:
        """That nothing is signed, and why; that a person had a new key made while this ran; that the key is another
        than before, or that others can read it.
        """
        if self._is_lost and station_key_file(self._state_dir).exists():
            return (Problem(what=_THERE_NOW, remedy=_RESTART),)
        own = () if self._problem is None else (self._problem,)
        return (*own, *doubts(self._state_dir))

    def _is_another(self, noted: str | None) -> bool:
        """Whether the key is not the one of before, and no person had this box make it."""
        if self.key is None:
            return False
        kept = kept_public_key(self._state_dir)
        if kept is not None and kept != self.key.public_key:
            return True
        return noted not in (None, self.key.id) and not was_public_key(self._state_dir, str(noted))


def doubts(state_dir: Path) -> Iterator[Problem]:
    """Why somebody else may sign in the name of this box, or nobody know what it signs."""
    file = station_key_file(state_dir)
    if changed_mark(state_dir).exists():
        yield Problem(what=_ANOTHER.format(file=file), remedy=_ANOTHER_REMEDY)
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError:  # there is none, or this user may not look
        return
    if mode & ~KEY_MODE & 0o077:
        yield Problem(what=_OPEN.format(file=file, mode=f"{mode:o}"), remedy=_OPEN_REMEDY.format(file=file))


def key_was_asked_for(state_dir: Path) -> None:
    """Note that a person has the public key of the key that is here now. Raises StorageError."""
    mark = changed_mark(state_dir)
    try:
        mark.unlink(missing_ok=True)
    except OSError as problem:
        raise StorageError(f"{mark} cannot be removed: {problem.strerror}.") from problem


def was_lost(state_dir: Path, noted: Callable[[], str | None] = lambda: None) -> bool:
    """Whether there is no key now, and there was one: its public key is here, or something that it signed, or the
    journal has `noted` its id.
    """
    if station_key_file(state_dir).exists():
        return False
    folder = station_folder(state_dir)
    thresholds = folder / THRESHOLDS_NAME
    signed = thresholds.is_dir() and any(thresholds.glob("*.json"))
    return public_key_file(state_dir).exists() or signed or noted() is not None


def require_no_key(state_dir: Path) -> None:
    """Raises StorageError when this box has a key: another takes its place only when a person has moved it away."""
    if existing_station_key(state_dir) is not None:
        raise StorageError(
            f"This box has a key, so no other was made. If another is to sign, move {station_key_file(state_dir)} away"
            " first, and restart Leapfrog afterwards."
        )


def require_not_lost(state_dir: Path) -> None:
    """Raises StorageError when the key of this box was lost: whoever asks for it shall not be given another."""
    if was_lost(state_dir):
        raise StorageError(lost_key(state_dir).text)


def lost_key(state_dir: Path) -> Problem:
    """What there is to say of a key that was lost."""
    return Problem(what=_LOST.format(file=station_key_file(state_dir)), remedy=_REMEDY)


_ANOTHER = (
    "The station key {file} is another than before: whoever knows this box by its old one takes it for a stranger."
)
_ANOTHER_REMEDY = (
    "If nobody put it there on purpose, put the old one back from a backup. Otherwise give the public key that"
    " `leapfrog station key` prints to everybody who checks sheets of this box: then this line goes."
)
_OPEN = "Others can read the station key {file} (mode {mode}): whoever has it can sign in the name of this box."
_OPEN_REMEDY = (
    "chmod 600 {file}. If a stranger may have read it, move it away, make another with `leapfrog station key --new`,"
    " and give everybody the new public key."
)
_LOST = "The station key {file} is missing, and there was one: sheets have no code, and reports are not signed."
_REMEDY = (
    "Put it back from a backup. If there is none: `leapfrog station key --new` makes another, whose public key"
    " everybody must be given who checks sheets of this box."
)
_UNTIL_THEN = "Until then sheets have no code, and reports are not signed. Restart Leapfrog when it is mended."
_THERE_NOW = "The station key is there again, and this run does not use it yet: sheets have no code so far."
_RESTART = "Restart Leapfrog to use it: systemctl restart leapfrog"
