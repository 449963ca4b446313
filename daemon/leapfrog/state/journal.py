"""The journal: all states of the box, in SQLite through exactly one connection.

One connection, because SQLite before 3.51.3 can corrupt a write-ahead log that two connections reset at once, and
because every step then is one transaction in one queue. The states are enforced in SQL (journal.sql). What the rows
mean is said beside: `instances.py`, `studies.py`, `deliveries.py`, `folder_files.py`.
"""

import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from leapfrog.errors import JournalError, StorageError
from leapfrog.state.migrations import bring_up_to_date

JOURNAL_NAME = "journal.sqlite"  # in the state directory
# One fsync a transaction is the promise; the log is checkpointed seldom so that a burst is not interrupted by it.
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 1000",
)


def new_id() -> str:
    """A name of our own for an instance, study or delivery: 16 hexadecimal digits that say nothing."""
    return secrets.token_hex(8)


def now_text() -> str:
    """The local time as ISO text with its offset, for people; nothing is ordered by it."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def insert(connection: sqlite3.Connection, table: str, **values: object) -> None:
    """Write one row, column by column, within a transaction."""
    places = ", ".join(f":{column}" for column in values)
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", values)


class Journal:
    """The one connection. Any thread may use it."""

    def __init__(self, path: Path, *, migrate: bool = True) -> None:
        """Open or create the journal at `path`. With `migrate` one of an older Leapfrog is brought up to date; without,
        it is refused, since the Leapfrog that wrote it may still be the one that runs here.

        Raises JournalError when it is none, of a newer Leapfrog, or cannot be brought up to date; StorageError when its
        backup cannot be written.
        """
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
                f"The journal {path} cannot be opened: {problem}. Keep the file, and restore it from a copy"
                " or move it aside to begin anew."
            ) from problem

    def close(self) -> None:
        """Close the connection; what was committed is on disk already."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction: when the block is left, it is on disk; when it raises, nothing of it happened.

        Raises StorageError when the disk failed (then `broken` is set: nothing more can be trusted, the process must
        start afresh), JournalError for a change of state that is not allowed.
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
                    raise StorageError(f"The journal could not be written: {problem}.") from problem
                raise

    def change(self, statement: str, *values: object) -> int:
        """A transaction of one statement. Returns how many rows it changed."""
        with self.transaction() as connection:
            return connection.execute(statement, values).rowcount

    def rows(self, query: str, values: Collection[Any] = ()) -> list[sqlite3.Row]:
        """What `query` finds."""
        with self._lock:
            return self._connection.execute(query, tuple(values)).fetchall()

    def row(self, query: str, values: Collection[Any] = ()) -> sqlite3.Row | None:
        """The first that `query` finds, or None."""
        rows = self.rows(query, values)
        return rows[0] if rows else None

    def count(self, what: str, *values: object) -> int:
        """How many rows there are of a table, as `what` says: its name, and perhaps a condition."""
        return int(self.rows(f"SELECT COUNT(*) FROM {what}", values)[0][0])

    def counts(self, what: Literal["instances", "deliveries"]) -> dict[str, int]:
        """How many rows there are in each state; costs the same for any number of rows."""
        rows = self.rows("SELECT state, total FROM counts WHERE what = ?", (what,))
        return {row["state"]: row["total"] for row in rows}

    def spool_names(self) -> set[str]:
        """Every file of the spool that a row names; anything else there was never acknowledged."""
        rows = self.rows(
            "SELECT spool_name FROM instances UNION SELECT spool_name FROM deliveries WHERE spool_name IS NOT NULL"
        )
        return {row["spool_name"] for row in rows}
