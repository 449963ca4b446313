"""The journal: the whole state of the box, in SQLite through exactly one connection.

There is only one connection because SQLite before 3.51.3 can corrupt a write-ahead log that two connections reset at
once, and because that puts all transactions into one queue. Changes of state are enforced in SQL (journal.sql). The
tables are used through `instances.py`, `studies.py`, `deliveries.py` and `folder_files.py`.
"""

import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from leapfrog.durable import fsync_file
from leapfrog.errors import JournalError, StorageError
from leapfrog.state.migrations import bring_up_to_date

JOURNAL_NAME = "journal.sqlite"  # in the state directory
# The journal promises one fsync per transaction. Checkpoints are rare, so that they do not interrupt a burst of images.
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 1000",
)
DISK_REMEDY = "Check the disk of the state directory: that it is connected, has room and is mounted for writing."


def new_id() -> str:
    """A new id for an instance, study or delivery: 16 random hexadecimal digits."""
    return secrets.token_hex(8)


def now_text() -> str:
    """The local time as ISO text with its UTC offset. It is for people; nothing is sorted by it."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def insert(connection: sqlite3.Connection, table: str, **values: object) -> None:
    """Insert one row, given by column, within the caller's transaction."""
    places = ", ".join(f":{column}" for column in values)
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", values)


class Journal:
    """The one connection. Any thread may use it."""

    def __init__(self, path: Path, *, migrate: bool = True) -> None:
        """Open or create the journal at `path`. With `migrate`, one from an older Leapfrog is upgraded; without, it is
        refused, since the older Leapfrog may still be the one that runs here.

        Raises JournalError when the file is not a journal, comes from a newer Leapfrog or cannot be upgraded;
        StorageError when its backup cannot be written.
        """
        self.path = path
        self._lock = threading.RLock()
        self.broken = False
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            for pragma in PRAGMAS:
                self._connection.execute(pragma)
            bring_up_to_date(self._connection, path, allowed=migrate)
        except sqlite3.Error as problem:
            raise JournalError(
                f"The journal {path} cannot be opened: {problem}. Do not delete it: restore it from a copy, or move it"
                " elsewhere to start with an empty one."
            ) from problem

    def close(self) -> None:
        """Close the connection. Everything committed is already on disk. Never raises, not even on a failed disk."""
        with self._lock, suppress(sqlite3.Error):
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction. After the block it is on disk; if the block raises, it is rolled back.

        Raises JournalError for a change of state that is not allowed, StorageError when the disk failed. Then `broken`
        is set: the journal can no longer be trusted, and the process must be restarted.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as problem:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(problem, sqlite3.IntegrityError):
                    raise JournalError(str(problem)) from problem
                if isinstance(problem, sqlite3.Error):
                    self.broken = True
                    raise StorageError(f"The journal could not be written: {problem}. {DISK_REMEDY}") from problem
                raise

    def copy_to(self, path: Path) -> None:
        """Write a durable copy of the whole journal, as it is between two transactions, to the new file `path`.

        Others wait meanwhile: a second for about 300 MB. Raises StorageError when it cannot be written.
        """
        try:
            path.unlink(missing_ok=True)
            with closing(sqlite3.connect(path)) as copy, self._lock:
                self._connection.backup(copy)
            path.chmod(0o600)
            fsync_file(path)
        except (sqlite3.Error, OSError) as problem:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise StorageError(f"The journal cannot be copied: {problem}. {DISK_REMEDY}") from problem

    def change(self, statement: str, *values: object) -> int:
        """Run one statement as a transaction. Returns how many rows it changed."""
        with self.transaction() as connection:
            return connection.execute(statement, values).rowcount

    def rows(self, query: str, values: Collection[Any] = ()) -> list[sqlite3.Row]:
        """The rows that `query` selects. Raises StorageError when the disk failed; then `broken` is set."""
        with self._lock:
            try:
                return self._connection.execute(query, tuple(values)).fetchall()
            except sqlite3.Error as problem:
                self.broken = True
                raise StorageError(f"The journal could not be read: {problem}. {DISK_REMEDY}") from problem

    def row(self, query: str, values: Collection[Any] = ()) -> sqlite3.Row | None:
        """The first row that `query` selects, or None."""
        rows = self.rows(query, values)
        return rows[0] if rows else None

    def count(self, what: str, *values: object) -> int:
        """How many rows a table has. `what` is its name, with a WHERE clause if needed."""
        return int(self.rows(f"SELECT COUNT(*) FROM {what}", values)[0][0])

    def counts(self, what: Literal["instances", "deliveries"]) -> dict[str, int]:
        """How many rows there are in each state. Takes the same time for any number of rows."""
        rows = self.rows("SELECT state, total FROM counts WHERE what = ?", (what,))
        return {row["state"]: row["total"] for row in rows}

    def spool_names(self) -> set[str]:
        """Every spool file that a row names. Any other file there was never acknowledged."""
        rows = self.rows(
            "SELECT spool_name FROM instances UNION SELECT spool_name FROM deliveries WHERE spool_name IS NOT NULL"
        )
        return {row["spool_name"] for row in rows}
