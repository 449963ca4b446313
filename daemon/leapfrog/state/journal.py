"""The journal: instances with their states, in SQLite through exactly one connection.

One connection, because SQLite before 3.51.3 can corrupt a write-ahead log that two connections reset at once, and
because every step then is one transaction in one queue. The states are enforced in SQL (journal.sql).
"""

import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from leapfrog.errors import JournalError, StorageError
from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.state.records import (
    INSTANCE_STATES,
    CommittedReading,
    FolderFile,
    InstanceRecord,
    InstanceState,
    NewDelivery,
    NewInstance,
    StudyIdentity,
    UidHolder,
)

SCHEMA_VERSION = 1
# One fsync a transaction is the promise; the log is checkpointed seldom so that a burst is not interrupted by it.
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 1000",
)
INSTANCE_COLUMNS = (
    "sequence, id, study_key, state, reason, sop_instance_uid, source, received_at, spool_name, picture, hints,"
    " forward_as, attempts, engine_failures, interruptions, attempt_number"
)

Charge = Literal["reader", "engine", "interruption"]
CHARGE_COLUMNS: dict[Charge, str] = {
    "reader": "attempts",
    "engine": "engine_failures",
    "interruption": "interruptions",
}


def new_id() -> str:
    """A name of our own for an instance, study or delivery: 16 hexadecimal digits that say nothing."""
    return secrets.token_hex(8)


def now_text() -> str:
    """The local time as ISO text with its offset, for people; nothing is ordered by it."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


class Journal:
    """All states of the box. Every method is one transaction; any thread may call it."""

    def __init__(self, path: Path) -> None:
        """Open or create the journal at `path`. Raises JournalError when it is not one, or one of a newer Leapfrog."""
        self._lock = threading.RLock()
        self.broken = False
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            for pragma in PRAGMAS:
                self._connection.execute(pragma)
            self._create_or_check(path)
        except sqlite3.Error as problem:
            raise JournalError(
                f"The journal {path} cannot be opened: {problem}. Keep the file, and restore it from a copy"
                " or move it aside to begin anew."
            ) from problem

    def _create_or_check(self, path: Path) -> None:
        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            script = resources.files("leapfrog.state").joinpath("journal.sql").read_text(encoding="utf-8")
            self._connection.executescript(f"BEGIN; {script} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif found != SCHEMA_VERSION:
            raise JournalError(
                f"The journal {path} has version {found}, this Leapfrog knows version {SCHEMA_VERSION}:"
                " install the newer Leapfrog again."
            )

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

    def rows(self, query: str, values: Collection[Any] = ()) -> list[sqlite3.Row]:
        """What `query` finds; a method of this class or of `outbox.Deliveries` gives it a meaning."""
        with self._lock:
            return self._connection.execute(query, tuple(values)).fetchall()

    def _row(self, query: str, values: Collection[Any] = ()) -> sqlite3.Row | None:
        rows = self.rows(query, values)
        return rows[0] if rows else None

    # ------------------------------------------------------------ intake

    def add_instance(self, new: NewInstance, compared: Collection[str] = ()) -> list[UidHolder]:
        """Write an instance, and the delivery that owes its original, in one transaction.

        Returns [] when it was written. When other instances hold its SOP Instance UID that are not in `compared`,
        nothing is written and they are returned, for the caller to compare contents first.
        """
        with self.transaction() as connection:
            holders = self._holders_of(new.sop_instance_uid) if new.sop_instance_uid else []
            strangers = [holder for holder in holders if holder.id not in compared]
            if strangers:
                return strangers
            study_key = self._study_for(connection, new.study)
            received_at = now_text()
            connection.execute(
                "INSERT INTO instances (id, study_key, sop_instance_uid, sop_class_uid, source, received_at,"
                " spool_name, byte_count, picture, hints, forward_as) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    new.id,
                    study_key,
                    new.sop_instance_uid,
                    new.sop_class_uid,
                    new.source,
                    received_at,
                    new.spool_name,
                    new.byte_count,
                    new.picture.model_dump_json() if new.picture else None,
                    new.hints.model_dump_json(),
                    new.forward_as,
                ),
            )
            if new.owed:
                self._owe_original(connection, new, study_key, received_at)
            if new.folder_file:
                self._remember(connection, new.folder_file, new.id)
        return []

    def _holders_of(self, sop_instance_uid: str) -> list[UidHolder]:
        rows = self.rows(
            # The second condition lets SQLite take the partial index: it cannot know what the parameter will be.
            "SELECT id, spool_name, dataset_sha256 FROM instances"
            " WHERE sop_instance_uid = ? AND sop_instance_uid <> ''",
            (sop_instance_uid,),
        )
        return [UidHolder(**dict(row)) for row in rows]

    def _study_for(self, connection: sqlite3.Connection, identity: StudyIdentity) -> str:
        values = (identity.study_instance_uid, identity.patient_id, identity.issuer_of_patient_id)
        if identity.study_instance_uid:
            row = connection.execute(
                "SELECT key FROM studies WHERE study_instance_uid = ? AND patient_id = ? AND issuer = ?"
                " AND study_instance_uid <> ''",
                values,
            ).fetchone()
            if row is not None:
                connection.execute("UPDATE studies SET state = 'open' WHERE key = ?", (row["key"],))
                return str(row["key"])
            # Reports under the same UID for another patient must now say so.
            connection.execute(
                "UPDATE studies SET changes = changes + 1, state = 'open'"
                " WHERE study_instance_uid = ? AND study_instance_uid <> '' AND version > 0",
                values[:1],
            )
        key = new_id()
        received_at = now_text()
        connection.execute(
            "INSERT INTO studies (key, study_instance_uid, patient_id, issuer, received_at, received_date)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (key, *values, received_at, received_at[:10]),
        )
        return key

    @staticmethod
    def _owe_original(connection: sqlite3.Connection, new: NewInstance, study_key: str, created_at: str) -> None:
        """A copy under another UID is owed at once too; its bytes come when a reader has written them."""
        connection.execute(
            "INSERT INTO deliveries (id, kind, study_key, instance_id, sop_class_uid, sop_instance_uid, spool_name,"
            " byte_count, created_at) VALUES (?, 'original', ?, ?, ?, ?, ?, ?, ?)",
            (
                new_id(),
                study_key,
                new.id,
                new.sop_class_uid,
                new.forward_as or new.sop_instance_uid,
                None if new.forward_as else new.spool_name,
                new.byte_count,
                created_at,
            ),
        )

    def owe_all_originals(self) -> int:
        """Owe every original that is not owed yet, once a district is configured. Returns how many were added."""
        with self.transaction() as connection:
            return connection.execute(
                "INSERT INTO deliveries (id, kind, study_key, instance_id, sop_class_uid, sop_instance_uid,"
                " spool_name, byte_count, created_at)"
                " SELECT lower(hex(randomblob(8))), 'original', study_key, id, sop_class_uid, sop_instance_uid,"
                " spool_name, byte_count, ? FROM instances"
                " WHERE sop_instance_uid <> '' AND picture IS NULL AND forward_as IS NULL"
                " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE instance_id = instances.id AND kind = 'original')",
                (now_text(),),
            ).rowcount

    # ------------------------------------------------------------ watched folders

    def picture_of_accession(self, accession_number: str, patient_id: str) -> PictureIdentity | None:
        """The newest picture under that accession number and patient: what comes next belongs to its study."""
        row = self._row(
            "SELECT picture FROM instances WHERE picture IS NOT NULL"
            " AND json_extract(picture, '$.accession_number') = ? AND json_extract(picture, '$.patient_id') = ?"
            " ORDER BY sequence DESC LIMIT 1",
            (accession_number, patient_id),
        )
        return PictureIdentity.model_validate_json(row["picture"]) if row else None

    def remember_folder_file(self, file: FolderFile, instance_id: str) -> None:
        """Note that `file` was taken, as it stands, as the instance `instance_id`."""
        with self.transaction() as connection:
            self._remember(connection, file, instance_id)

    @staticmethod
    def _remember(connection: sqlite3.Connection, file: FolderFile, instance_id: str) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO folder_files (path, byte_count, modified_ns, inode, instance_id)"
            " VALUES (?, ?, ?, ?, ?)",
            (file.path, file.byte_count, file.modified_ns, file.inode, instance_id),
        )

    def folder_files(self) -> list[FolderFile]:
        """Every file of the watched folders that was taken."""
        rows = self.rows("SELECT path, byte_count, modified_ns, inode FROM folder_files")
        return [FolderFile(**dict(row)) for row in rows]

    def forget_folder_files(self, paths: Collection[str]) -> None:
        """Forget files that are no longer there; a new file under that name is taken again."""
        with self.transaction() as connection:
            connection.executemany("DELETE FROM folder_files WHERE path = ?", [(path,) for path in paths])

    # ------------------------------------------------------------ lanes

    def close_cut_attempts(self) -> int:
        """At a start: charge attempts that the end of the daemon cut short to their own counter. Returns how many."""
        with self.transaction() as connection:
            return connection.execute(
                "UPDATE instances SET interruptions = interruptions + 1, attempt_open = 0 WHERE attempt_open = 1"
            ).rowcount

    def begin_attempt(self) -> InstanceRecord | None:
        """Take the longest-waiting instance and count the attempt before any work begins; None when none waits."""
        with self.transaction() as connection:
            row = connection.execute(
                "UPDATE instances SET attempt_open = 1, attempt_number = attempt_number + 1 WHERE sequence ="
                " (SELECT sequence FROM instances WHERE state = 'received' AND attempt_open = 0"
                f" ORDER BY sequence LIMIT 1) RETURNING {INSTANCE_COLUMNS}"
            ).fetchone()
        return _instance(row) if row else None

    def end_attempt(self, instance_id: str, charge: Charge) -> InstanceRecord:
        """End an attempt that gave no result and charge it; the instance waits again."""
        column = CHARGE_COLUMNS[charge]
        with self.transaction() as connection:
            row = connection.execute(
                f"UPDATE instances SET attempt_open = 0, {column} = {column} + 1 WHERE id = ?"
                f" RETURNING {INSTANCE_COLUMNS}",
                (instance_id,),
            ).fetchone()
        return _instance(row)

    def commit_reading(self, committed: CommittedReading) -> None:
        """Write a reading, the instance's new state and the deliveries that come of it, in one transaction."""
        with self.transaction() as connection:
            row = connection.execute(
                "UPDATE instances SET state = ?, reason = ?, reading = ?, attempt_open = 0,"
                " dataset_sha256 = CASE WHEN ? = '' THEN dataset_sha256 ELSE ? END"
                " WHERE id = ? AND state = 'received' RETURNING study_key",
                (
                    committed.state,
                    committed.reading.reason,
                    committed.reading.model_dump_json(),
                    committed.dataset_sha256,
                    committed.dataset_sha256,
                    committed.instance_id,
                ),
            ).fetchone()
            if row is None:
                raise JournalError(f"Instance {committed.instance_id} was not waiting to be read.")
            if copy := committed.forward_copy:
                connection.execute(
                    "UPDATE deliveries SET spool_name = ?, byte_count = ? WHERE instance_id = ? AND kind = 'original'"
                    " AND spool_name IS NULL",
                    (copy.spool_name, copy.byte_count, committed.instance_id),
                )
            owe(connection, committed.deliveries, row["study_key"], committed.instance_id)
            connection.execute(
                "UPDATE studies SET changes = changes + 1, state = 'open' WHERE key = ?", (row["study_key"],)
            )

    def retry(self, instance_id: str) -> bool:
        """Have an instance that was set aside read again, with its counters at zero. Returns whether it was."""
        with self.transaction() as connection:
            return bool(
                connection.execute(
                    "UPDATE instances SET state = 'received', reason = '', attempts = 0, engine_failures = 0,"
                    " interruptions = 0 WHERE id = ? AND state = 'set_aside'",
                    (instance_id,),
                ).rowcount
            )

    # ------------------------------------------------------------ looking

    def instance(self, instance_id: str) -> InstanceRecord | None:
        """The instance with that id of ours, or None."""
        row = self._row(f"SELECT {INSTANCE_COLUMNS} FROM instances WHERE id = ?", (instance_id,))
        return _instance(row) if row else None

    def instances(self, state: InstanceState | None = None, limit: int = 1000) -> list[InstanceRecord]:
        """Instances, newest first, of one state or of all."""
        where, values = ("WHERE state = ?", [state]) if state else ("", [])
        rows = self.rows(
            f"SELECT {INSTANCE_COLUMNS} FROM instances {where} ORDER BY sequence DESC LIMIT ?", [*values, limit]
        )
        return [_instance(row) for row in rows]

    def counts(self, what: Literal["instances", "deliveries"]) -> dict[str, int]:
        """How many rows there are in each state; costs the same for any number of rows."""
        rows = self.rows("SELECT state, total FROM counts WHERE what = ?", (what,))
        return {row["state"]: row["total"] for row in rows}

    def forwarded_under_new_uid(self) -> int:
        """How many instances are forwarded under a new UID since theirs was taken by other content."""
        row = self._row("SELECT COUNT(*) FROM instances WHERE forward_as IS NOT NULL")
        return int(row[0]) if row else 0

    def spool_names(self) -> set[str]:
        """Every file of the spool that a row names; anything else there was never acknowledged."""
        rows = self.rows(
            "SELECT spool_name FROM instances UNION SELECT spool_name FROM deliveries WHERE spool_name IS NOT NULL"
        )
        return {row["spool_name"] for row in rows}


def owe(
    connection: sqlite3.Connection, deliveries: Collection[NewDelivery], study_key: str, instance_id: str | None
) -> None:
    """Enter what is owed to the district, within a transaction of whoever made it; as urgent as its study is."""
    urgent = "(SELECT urgent FROM studies WHERE key = ?)"
    connection.executemany(
        "INSERT INTO deliveries (id, kind, study_key, instance_id, sop_class_uid, sop_instance_uid, spool_name,"
        f" byte_count, urgent, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, {urgent}, ?)",
        [
            (
                new.id,
                new.kind,
                study_key,
                instance_id,
                new.sop_class_uid,
                new.sop_instance_uid,
                new.spool_name,
                new.byte_count,
                study_key,
                now_text(),
            )
            for new in deliveries
        ],
    )


def _instance(row: sqlite3.Row) -> InstanceRecord:
    values = dict(row)
    values["picture"] = PictureIdentity.model_validate_json(row["picture"]) if row["picture"] else None
    values["hints"] = PictureHints.model_validate_json(row["hints"])
    if row["state"] not in INSTANCE_STATES:
        raise JournalError(f"Instance {row['id']} has the unknown state {row['state']!r}.")
    return InstanceRecord(**values)
