"""Opens the journal at a start, whatever happened to it: a damaged one is kept aside and made anew from the spool."""

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from leapfrog.durable import fsync_directory, keep_private, write_durably
from leapfrog.errors import JournalDamaged, JournalError, StorageError
from leapfrog.state.facts import Facts
from leapfrog.state.journal import (
    DAMAGE_WHEN_OPENED,
    DAMAGED_NAME,
    DISK_REMEDY,
    JOURNAL_NAME,
    Journal,
    files_of,
    is_damage,
)
from leapfrog.state.migrations import schema_version
from leapfrog.state.start.damage import find_damage, schema_is_as_noted

STOPPED_NAME = "journal.stopped"  # in the state directory while no daemon runs: the mark of the journal as it was left
STOPPED_FACT = "stopped"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opening:
    """How the journal was found. `in_order`: it is the very one that the last run closed, so it lacks nothing that was
    written. `rebuilt` says why it is a new one, "" if it is not.
    """

    in_order: bool
    rebuilt: str = ""


def open_journal(state_dir: Path) -> tuple[Journal, Opening]:
    """Open the journal in `state_dir`, or make a new one where it is damaged or missing.

    Raises JournalError when it comes from a newer Leapfrog, StorageError when the disk fails.
    """
    path = state_dir / JOURNAL_NAME
    was_missing = not path.exists() or not path.stat().st_size
    _keep_copies_private(path)
    try:
        journal = _open_whole(path)
    except JournalDamaged as problem:
        kept = keep_aside(path)
        rebuilt = f"The journal was damaged; it is kept as {kept}."
        _log.error("%s %s", rebuilt, problem)
        return Journal(path), Opening(in_order=False, rebuilt=rebuilt)
    in_order = _take_mark(journal, state_dir)
    has_images = was_missing and any(_spooled(state_dir))
    if has_images:
        _log.error("The journal was missing or empty. It is made anew from the images in the spool.")
    return journal, Opening(in_order, "The journal was missing or empty." if has_images else "")


def close_in_order(journal: Journal, state_dir: Path) -> None:
    """Close the journal so that the next start can tell that it is the same one and lacks nothing."""
    if not journal.broken:
        mark = secrets.token_hex(8)
        with suppress(StorageError, OSError):  # then the next start asks before it sends, which costs little
            Facts(journal).put(STOPPED_FACT, mark)
            write_durably(state_dir / STOPPED_NAME, mark.encode())
    journal.close()


def keep_aside(path: Path) -> Path:
    """Rename the journal at `path` and what belongs to it, so that a new one can be made. Returns its new path. Raises
    StorageError.
    """
    now = datetime.now().strftime("%Y%m%dT%H%M%S")
    kept = path.with_name(f"{path.stem}.damaged-{now}-{secrets.token_hex(2)}{path.suffix}")
    try:
        for part in files_of(path):
            if part.exists():
                part.rename(kept.with_name(kept.name + part.name.removeprefix(path.name)))
        path.with_name(DAMAGED_NAME).unlink(missing_ok=True)
        fsync_directory(path.parent)
    except OSError as problem:
        raise StorageError(
            f"The journal {path} is damaged and cannot be kept aside: {problem.strerror}. Make sure that the state"
            " directory can be written, then start again."
        ) from problem
    return kept


def _open_whole(path: Path) -> Journal:
    """The journal, if no damage is found in it. Raises JournalDamaged."""
    if path.with_name(DAMAGED_NAME).exists():
        raise JournalDamaged("Damage was found in it while it was in use.")
    if path.is_file() and schema_is_as_noted(path) is False:  # no step would bring it up to date
        raise JournalDamaged("Its schema was changed.")
    try:
        journal = Journal(path)
    except JournalError as problem:
        if schema_is_as_noted(path, schema_version()):
            raise JournalDamaged("Its version number was changed.") from problem
        raise
    try:
        if damage := find_damage(journal, path):
            raise JournalDamaged(damage)
    except StorageError as problem:
        journal.close()
        if is_damage(problem.__cause__, DAMAGE_WHEN_OPENED):
            raise JournalDamaged(str(problem)) from problem
        raise
    return journal


def _keep_copies_private(path: Path) -> None:
    """Let nobody but their owner read the journals that were kept beside this one: copies made before an upgrade, and
    damaged ones.
    """
    for kept in path.parent.glob(f"{path.stem}.*{path.suffix}*"):
        with suppress(OSError):
            if kept.is_file():
                keep_private(kept)


def _take_mark(journal: Journal, state_dir: Path) -> bool:
    """Whether the journal has the mark that the last run left; it is gone after this."""
    path = state_dir / STOPPED_NAME
    try:
        mark = path.read_text(encoding="ascii", errors="replace") if path.exists() else ""
        path.unlink(missing_ok=True)
        fsync_directory(state_dir)
    except OSError as problem:
        raise StorageError(
            f"The state directory {state_dir} cannot be written: {problem.strerror}. {DISK_REMEDY}"
        ) from problem
    return bool(mark) and Facts(journal).get(STOPPED_FACT) == mark


def _spooled(state_dir: Path) -> Iterator[str]:
    with suppress(FileNotFoundError), os.scandir(state_dir / "spool") as entries:
        yield from (entry.name for entry in entries if entry.is_file(follow_symlinks=False))
