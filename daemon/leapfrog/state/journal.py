"""The journal: the whole state of the box, in SQLite through exactly one connection.

There is only one connection because SQLite before 3.51.3 can corrupt a write-ahead log that two connections reset at
once, and because that puts all transactions into one queue. Changes of state are enforced in SQL (journal.sql). The
tables are used through `instances.py`, `studies.py`, `deliveries.py` and `folder_files.py`.
"""

import secrets
import sqlite3
import stat
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from leapfrog.durable import fsync_file, keep_private
from leapfrog.errors import JournalDamaged, JournalError, LeapfrogError, StorageError
from leapfrog.state.migrations import bring_up_to_date
from leapfrog.state.studies_in_use import StudiesInUse

EARLIEST_YEAR = 2026  # when this was written: a clock that shows less has lost its battery
JOURNAL_NAME = "journal.sqlite"  # in the state directory
IN_MEMORY = Path(":memory:")  # SQLite's name for a database without a file
DAMAGED_NAME = "journal.damaged"  # beside it once damage was met in use: the next start makes the journal anew
# The journal promises one fsync per transaction, but for those that can be made again (`Journal.transaction`).
# Checkpoints are rare, so that they do not interrupt a burst of images.
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA secure_delete = ON",  # what is deleted is overwritten in the file: Debian's default, not everybody's
)
DAMAGE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT))
# While a journal is opened, these too: its header or its schema is not what Leapfrog writes.
DAMAGE_WHEN_OPENED = DAMAGE | {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_MISMATCH}
DAMAGE_REMEDY = "Start Leapfrog again: it keeps the damaged journal aside and makes a new one from the spool."
DISK_REMEDY = "Check the disk of the state directory: that it is connected, has room and is mounted for writing."


def new_id() -> str:
    """A new id for an instance, study or delivery: 16 random hexadecimal digits."""
    return secrets.token_hex(8)


def now_text() -> str:
    """The local time as ISO text with its UTC offset. It is for people; nothing is sorted by it."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def plausible_since() -> str:
    """The earliest moment, as text, that a clock can have shown rightly, if it is right now; "" if it is wrong now."""
    return str(EARLIEST_YEAR) if datetime.now().year >= EARLIEST_YEAR else ""


def seconds_since(moment: str) -> float:
    """How long ago `moment` (ISO text) was by the wall clock. 0 when that was set back since; and when it had lost its
    battery then and is right now, for then nobody knows.
    """
    if moment < plausible_since():
        return 0.0
    return max(0.0, (datetime.now().astimezone() - datetime.fromisoformat(moment)).total_seconds())


def insert(connection: sqlite3.Connection, table: str, **values: object) -> None:
    """Insert one row, given by column, within the caller's transaction."""
    places = ", ".join(f":{column}" for column in values)
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", values)


def is_damage(problem: BaseException | None, codes: Collection[int]) -> bool:
    """Whether an error of SQLite, with one of these primary result codes, says that the file is damaged. Text that is
    not UTF-8, in a row or in SQLite's own message about a damaged schema, is damage too: the driver refuses it.
    """
    if isinstance(problem, UnicodeDecodeError):
        return True
    if not isinstance(problem, sqlite3.Error):
        return False
    code = getattr(problem, "sqlite_errorcode", None)
    return str(problem).startswith("Could not decode to UTF-8") if code is None else code & 0xFF in codes


def files_of(path: Path) -> tuple[Path, ...]:
    """The journal at `path` and the files that SQLite keeps beside it; the journal last, so that a move that is cut
    short is done again.
    """
    return *(path.with_name(path.name + ending) for ending in ("-wal", "-shm")), path


def _is_no_file(path: Path) -> bool:
    """Whether something else has this name: a folder, or a pipe, for which SQLite would wait."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _keep_private(path: Path) -> None:
    """Let nobody but its owner read the journal: it names patients. SQLite gives new files beside it the same rights.
    What cannot be created, or is somebody else's, SQLite meets next and says so.
    """
    if path == IN_MEMORY:
        return
    for file in files_of(path):
        with suppress(OSError):
            if file == path or file.exists():
                keep_private(file)


class Journal:
    """The one connection. Any thread may use it."""

    def __init__(self, path: Path, *, migrate: bool = True) -> None:
        """Open or create the journal at `path`. With `migrate`, one from an older Leapfrog is upgraded; without, it is
        refused, since the older Leapfrog may still be the one that runs here.

        Raises JournalDamaged when the file is not a journal; JournalError when it comes from a newer Leapfrog, or
        cannot be opened or upgraded; StorageError when its backup cannot be written.
        """
        self.path = path
        self.in_use = StudiesInUse()  # by the threads that use this journal
        self._lock = threading.RLock()
        self._synced_as = "FULL"
        self.broken = False
        self.damaged = False
        if unfit := next(filter(_is_no_file, files_of(path)), None):
            raise JournalDamaged(f"{unfit} is not a file. {DAMAGE_REMEDY}")
        _keep_private(path)
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            for pragma in PRAGMAS:
                self._connection.execute(pragma)
            bring_up_to_date(self._connection, path, allowed=migrate)
            self._inode = path.stat().st_ino if path.exists() else None  # None: in memory
        except (sqlite3.Error, UnicodeDecodeError) as problem:
            self.close()
            if is_damage(problem, DAMAGE_WHEN_OPENED):
                raise JournalDamaged(f"The journal {path} is damaged: {problem}. {DAMAGE_REMEDY}") from problem
            raise JournalError(f"The journal {path} cannot be opened: {problem}. {DISK_REMEDY}") from problem
        except LeapfrogError as problem:
            self.close()
            if is_damage(problem.__cause__, DAMAGE):
                raise JournalDamaged(f"The journal {path} is damaged. {DAMAGE_REMEDY}") from problem
            raise

    def was_replaced(self) -> bool:
        """Whether the file that is written to is no longer the one under the journal's name: somebody removed it, or
        put another in its place. What is committed then is lost to the next start, unless the spool still has it.
        """
        if self._inode is None:
            return False
        try:
            return self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Close the connection. Everything committed is already on disk. Never raises, not even on a failed disk."""
        with self._lock, suppress(sqlite3.Error, AttributeError):  # it may never have been opened
            self._connection.close()

    @contextmanager
    def transaction(self, *, can_be_made_again: bool = False) -> Iterator[sqlite3.Connection]:
        """One durable transaction. After the block it is on disk; if the block raises, it is rolled back.

        One that `can_be_made_again`, since the next start finds in a durable file all that it writes, is not synced by
        itself, but with the next one that is: a power cut may undo it, a kill does not. The order holds: whatever is on
        disk, so is all that was committed before.

        Raises JournalError for a change of state that is not allowed, StorageError when the disk failed. Then `broken`
        is set: the journal can no longer be trusted, and the process must be restarted.
        """
        with self._lock:
            try:
                self._sync_as("NORMAL" if can_be_made_again else "FULL")
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as problem:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(problem, sqlite3.IntegrityError):
                    raise JournalError(str(problem)) from problem
                if isinstance(problem, sqlite3.Error | UnicodeDecodeError):
                    raise self._failure("written", problem) from problem
                raise

    def _sync_as(self, how: Literal["NORMAL", "FULL"]) -> None:
        """NORMAL: a commit does not wait until it is on disk. Each transaction says what it needs, whatever became of
        the one before.
        """
        if how != self._synced_as:
            self._connection.execute(f"PRAGMA synchronous = {how}")
            self._synced_as = how

    def copy_to(self, path: Path) -> None:
        """Write a durable copy of the whole journal, as it is between two transactions, to the new file `path`.

        Others wait meanwhile: a second for about 300 MB. Raises StorageError when it cannot be written.
        """
        try:
            path.unlink(missing_ok=True)
            keep_private(path)
            with closing(sqlite3.connect(path)) as copy, self._lock:
                self._connection.backup(copy)
            fsync_file(path)
        except (sqlite3.Error, OSError) as problem:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise StorageError(f"The journal cannot be copied: {problem}. {DISK_REMEDY}") from problem

    def empty_log(self) -> None:
        """Write everything to the journal's file itself, and empty the write-ahead log beside it, which still holds
        what was deleted. Raises StorageError when the disk failed.
        """
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def change(self, statement: str, *values: object) -> int:
        """Run one statement as a transaction. Returns how many rows it changed."""
        with self.transaction() as connection:
            return connection.execute(statement, values).rowcount

    def rows(self, query: str, values: Collection[Any] = ()) -> list[sqlite3.Row]:
        """The rows that `query` selects. Raises StorageError when the disk failed; then `broken` is set."""
        with self._lock:
            try:
                return self._connection.execute(
                    query, values if isinstance(values, Mapping) else tuple(values)
                ).fetchall()
            except (sqlite3.Error, UnicodeDecodeError) as problem:
                raise self._failure("read", problem) from problem

    def _failure(self, done: str, problem: sqlite3.Error | UnicodeDecodeError) -> StorageError:
        """From now on the journal is broken. If it is damaged, a mark tells the next start to make it anew, since that
        start may not meet the damage by itself.
        """
        self.broken = True
        if not is_damage(problem, DAMAGE):
            return StorageError(f"The journal could not be {done}: {problem}. {DISK_REMEDY}")
        self.damaged = True
        with suppress(OSError):
            self.path.with_name(DAMAGED_NAME).touch()
        return JournalDamaged(f"The journal is damaged and could not be {done}: {problem}. {DAMAGE_REMEDY}")

    def row(self, query: str, values: Collection[Any] = ()) -> sqlite3.Row | None:
        """The first row that `query` selects, or None."""
        rows = self.rows(query, values)
        return rows[0] if rows else None

    def count(self, what: str, *values: object) -> int:
        """How many rows a table has. `what` is its name, with a WHERE clause if needed."""
        return int(self.rows(f"SELECT COUNT(*) FROM {what}", values)[0][0])

    def counts(self, what: Literal["instances", "deliveries", "prints"]) -> dict[str, int]:
        """How many rows there are in each state; "deliveries" are those to the district. Takes the same time for any
        number of rows.
        """
        rows = self.rows("SELECT state, total FROM counts WHERE what = ?", (what,))
        return {row["state"]: row["total"] for row in rows}
