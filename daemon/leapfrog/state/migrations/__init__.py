"""Upgrades the journal's schema: numbered steps in SQL, each run once in its own transaction.

`journal.sql`, next to this folder, is the current schema, used for a new journal; the steps bring an older journal to
exactly the same schema. To change the schema: change `journal.sql`; add a step `NNNN_what_it_does.sql` here, numbered
with the version that it produces (with a Python function where SQL alone is not enough); and keep a small journal of
the previous version under `tests/daemon/state/journals/`.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from leapfrog.dicom.uids import mint_uid
from leapfrog.durable import fsync_directory, fsync_file, keep_private
from leapfrog.errors import JournalDamaged, JournalError, StorageError
from leapfrog.state.migrations.worklist_rows import as_worklist_row

FIRST_VERSION = 1
# Every version has these tables.
KNOWN_BY = (
    "SELECT count(*) = 4 FROM sqlite_master WHERE type = 'table'"
    " AND name IN ('instances', 'studies', 'deliveries', 'facts')"
)

_log = logging.getLogger(__name__)


def steps() -> dict[int, Traversable]:
    """Every step by the version that it produces, in order."""
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".sql")]
    return {int(file.name[:4]): file for file in sorted(files, key=lambda file: file.name)}


def schema_version() -> int:
    """The version that this Leapfrog uses."""
    return max(steps(), default=FIRST_VERSION)


def bring_up_to_date(connection: sqlite3.Connection, path: Path, *, allowed: bool = True) -> None:
    """Create the schema in an empty journal, or run the steps that the journal at `path` lacks.

    Before the first step, a backup is written next to the journal and kept. A power cut leaves the journal as it was
    before or after a step, and the next start continues from there. Raises JournalError for a journal from a newer
    Leapfrog, for one from an older Leapfrog unless steps are `allowed`, and when a step fails; JournalDamaged for the
    database of another program; StorageError when the backup cannot be written; sqlite3.Error when the file is not a
    journal.
    """
    current = int(connection.execute("PRAGMA user_version").fetchone()[0])
    newest = schema_version()
    is_new = not connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    if is_new != (current == 0) or not (is_new or connection.execute(KNOWN_BY).fetchone()[0]):
        raise JournalDamaged(f"The journal {path} is a database of another program.")
    if current == 0:
        _run(connection, resources.files("leapfrog.state").joinpath("journal.sql"), newest)
    elif current > newest:
        raise JournalError(
            f"The journal {path} has version {current}, but this Leapfrog only knows versions up to {newest}:"
            " install the newer Leapfrog again."
        )
    elif current < newest and not allowed:
        raise JournalError(
            f"The journal {path} has version {current}, but this Leapfrog works with version {newest}. Start this"
            " Leapfrog's daemon once: it upgrades the journal and keeps the old one."
        )
    elif current < newest:
        backup = _back_up(connection, path, current)
        connection.create_function("as_worklist_row", 2, as_worklist_row, deterministic=True)
        connection.create_function("minted_uid", 0, mint_uid)
        try:
            for version, step in _missing(current):
                _run(connection, step, version)
        except sqlite3.Error as problem:
            raise JournalError(
                f"The journal {path} cannot be upgraded from version {current} to {newest}: {problem}. Nothing is lost:"
                f" the old one is kept in {backup}. Make sure that the disk has room, then start again."
            ) from problem
        _log.info("The journal was upgraded from version %d to %d; the old one is kept in %s.", current, newest, backup)


def _missing(current: int) -> Iterator[tuple[int, Traversable]]:
    for version, step in steps().items():
        if version > current:
            yield version, step


def _run(connection: sqlite3.Connection, script: Traversable, version: int) -> None:
    """Run a script as one transaction. Foreign keys are off meanwhile, so that a step may rebuild a table (the 12-step
    procedure in SQLite's documentation of ALTER TABLE), and are checked at the end.
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
    """Write a durable copy of the whole journal, before anything changes. Returns its path.

    If a start that failed has just written one, it is kept: a service that restarts again and again writes one only.
    """
    backup = path.with_name(f"{path.stem}.version-{version}{path.suffix}")
    partial = backup.with_name(f".{backup.name}.part")
    try:
        if backup.exists() and backup.stat().st_mtime_ns > _changed_ns(path):
            return backup
        partial.unlink(missing_ok=True)
        keep_private(partial)
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
            f"The journal {path} comes from an older Leapfrog and must be upgraded, but its backup cannot be written:"
            f" {problem}. Nothing was changed. Make sure that the state directory can be written and has room for a"
            " second journal, then start again."
        ) from problem
    return backup


def _changed_ns(path: Path) -> int:
    """When the journal at `path` last changed; what was committed may still be in its write-ahead log."""
    log = path.with_name(f"{path.name}-wal")
    return max(file.stat().st_mtime_ns for file in (path, log) if file.exists() and file.stat().st_size)
