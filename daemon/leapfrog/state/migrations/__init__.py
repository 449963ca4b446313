"""The journal's schema from version to version: numbered steps in SQL, each run once, in a transaction of its own.

`journal.sql` beside this folder is the schema as it is now, for a new journal; the steps bring an older one to the very
same. Whoever changes the schema changes `journal.sql`, adds the step `NNNN_what_it_does.sql` here, whose number is the
version that it makes (with a function of ours where SQL alone cannot say it), and keeps a small journal of the version
before under `tests/daemon/state/journals/`.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from leapfrog.durable import fsync_directory, fsync_file
from leapfrog.errors import JournalError, StorageError
from leapfrog.state.migrations.worklist_rows import as_worklist_row

FIRST_VERSION = 1

_log = logging.getLogger(__name__)


def steps() -> dict[int, Traversable]:
    """Every step by the version that it makes, in order."""
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".sql")]
    return {int(file.name[:4]): file for file in sorted(files, key=lambda file: file.name)}


def schema_version() -> int:
    """The version that this Leapfrog works with."""
    return max(steps(), default=FIRST_VERSION)


def bring_up_to_date(connection: sqlite3.Connection, path: Path, *, allowed: bool = True) -> None:
    """Create the schema in an empty journal, or run the steps that the journal at `path` lacks.

    Before the first step a backup is made beside the journal, and kept. A cut at any moment leaves the journal as it
    was before a step or after it, and the next start goes on. Raises JournalError for a journal of a newer Leapfrog,
    for one of an older Leapfrog unless steps are `allowed`, and when a step fails; StorageError when the backup cannot
    be written; sqlite3.Error for what is no journal.
    """
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    newest = schema_version()
    if found == 0:
        _run(connection, resources.files("leapfrog.state").joinpath("journal.sql"), newest)
    elif found > newest:
        raise JournalError(
            f"The journal {path} has version {found}, this Leapfrog knows version {newest}:"
            " install the newer Leapfrog again."
        )
    elif found < newest and not allowed:
        raise JournalError(
            f"The journal {path} has version {found}, this Leapfrog works with version {newest}: start the daemon of"
            " this Leapfrog once, which brings the journal up to date and keeps it beside as it was."
        )
    elif found < newest:
        backup = _back_up(connection, path, found)
        connection.create_function("as_worklist_row", 2, as_worklist_row, deterministic=True)
        try:
            for version, step in _missing(found):
                _run(connection, step, version)
        except sqlite3.Error as problem:
            raise JournalError(
                f"The journal {path} cannot be brought from version {found} to {newest}: {problem}. Nothing is lost: it"
                f" is kept in {backup} as it was. Make sure that the disk has room, and start again; the Leapfrog"
                " before this one still works with the journal unless a step was done."
            ) from problem
        _log.info("The journal was brought from version %d to %d; as it was, it is kept in %s.", found, newest, backup)


def _missing(found: int) -> Iterator[tuple[int, Traversable]]:
    for version, step in steps().items():
        if version > found:
            yield version, step


def _run(connection: sqlite3.Connection, script: Traversable, version: int) -> None:
    """Run a script as one transaction. Foreign keys rest meanwhile, so that a step may rebuild a table (SQLite's own
    twelve steps of ALTER TABLE), and are checked at its end.
    """
    keys = connection.execute("PRAGMA foreign_keys").fetchone()[0]
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE; {script.read_text(encoding='utf-8')} PRAGMA user_version = {version};"
        )
        if connection.execute("PRAGMA foreign_key_check").fetchone():
            raise sqlite3.IntegrityError(f"step {version} breaks a reference between two tables")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute(f"PRAGMA foreign_keys = {keys}")


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    """A copy of the whole journal as it is, durable before anything changes.

    One that a failed start made a moment ago is as good: a service that is started over and over writes it once.
    """
    backup = path.with_name(f"{path.stem}.version-{version}{path.suffix}")
    partial = backup.with_name(f".{backup.name}.part")
    try:
        if backup.exists() and backup.stat().st_mtime_ns > _changed_ns(path):
            return backup
        partial.unlink(missing_ok=True)
        copy = sqlite3.connect(partial)
        try:
            connection.backup(copy)
        finally:
            copy.close()
        fsync_file(partial)
        partial.replace(backup)
        fsync_directory(backup.parent)
    except (OSError, sqlite3.Error) as problem:
        with suppress(OSError):  # of a read-only disk too
            partial.unlink(missing_ok=True)
        raise StorageError(
            f"The journal {path} is of an older Leapfrog, and its backup cannot be written: {problem}. Nothing was"
            " changed: make sure that the state directory can be written and has room for a second journal, then start"
            " again."
        ) from problem
    return backup


def _changed_ns(path: Path) -> int:
    """When the journal at `path` last changed; what was committed may still be in its write-ahead log."""
    log = path.with_name(f"{path.name}-wal")
    return max(file.stat().st_mtime_ns for file in (path, log) if file.exists() and file.stat().st_size)
