"""The studies in the journal: their reports' versions, when they are quiet, and when they may be forgotten."""

import json
import sqlite3
from datetime import datetime
from typing import Any

from leapfrog.errors import JournalError
from leapfrog.exam import ImageReading
from leapfrog.state.deliveries import owe
from leapfrog.state.journal import Journal, insert, new_id, now_text
from leapfrog.state.records import CommittedReport, StudyIdentity, StudyRecord

STUDY_COLUMNS = (
    "key, study_instance_uid, patient_id, issuer, received_at, received_date, state, version, published_version,"
    " changes, reported_changes, urgent, worklist_row"
)


class Studies:
    """The rows of `studies`; every method is one transaction of the journal."""

    def __init__(self, journal: Journal) -> None:
        """`journal` is the one that holds them."""
        self._journal = journal

    def _found(self, condition: str, *values: Any) -> list[StudyRecord]:
        rows = self._journal.rows(f"SELECT {STUDY_COLUMNS} FROM studies {condition}", values)
        return [_study(row) for row in rows]

    def get(self, key: str) -> StudyRecord:
        """The study `key`. Raises JournalError when there is none."""
        found = self._found("WHERE key = ?", key)
        if not found:
            raise JournalError(f"There is no study {key}.")
        return found[0]

    def open(self) -> list[StudyRecord]:
        """Studies that may still change or whose last report is not out, oldest first."""
        return self._found("WHERE state = 'open' ORDER BY sequence")

    def unpublished(self) -> list[StudyRecord]:
        """Studies whose committed report was not switched to its plain names, as after a power cut."""
        return self._found("WHERE published_version < version ORDER BY sequence")

    def newest(self, limit: int) -> list[StudyRecord]:
        """The studies that came last, newest first, for the worklist."""
        return self._found("ORDER BY sequence DESC LIMIT ?", limit)

    def sharing_uid(self, study: StudyRecord) -> list[StudyRecord]:
        """Other studies under the same Study Instance UID: the same number for another patient."""
        uid = study.identity.study_instance_uid
        return self._found("WHERE study_instance_uid = ? AND key <> ? ORDER BY sequence", uid, study.key) if uid else []

    def unread(self, key: str) -> int:
        """How many instances of the study still wait to be read."""
        return self._journal.count("instances WHERE study_key = ? AND state = 'received'", key)

    def readings(self, study_key: str) -> list[ImageReading]:
        """The readings of a study in the order in which its instances came."""
        rows = self._journal.rows(
            "SELECT reading FROM instances WHERE study_key = ? AND reading IS NOT NULL AND state <> 'received'"
            " ORDER BY sequence",
            (study_key,),
        )
        return [ImageReading.model_validate_json(row["reading"]) for row in rows]

    def commit_report(self, committed: CommittedReport) -> None:
        """Write that a report version exists, what it owes the district, and the study's state, in one transaction."""
        with self._journal.transaction() as connection:
            connection.execute(
                "UPDATE studies SET version = ?, worklist_row = ?, urgent = ?, reported_changes = ?, not_made = ?,"
                " state = CASE WHEN ? AND changes = ? THEN 'quiet' ELSE 'open' END,"
                " derived_version = CASE WHEN ? THEN ? ELSE derived_version END WHERE key = ?",
                (
                    committed.version,
                    committed.worklist_row,
                    committed.urgent,
                    committed.changes,
                    json.dumps(committed.not_made),
                    committed.closing,
                    committed.changes,
                    bool(committed.deliveries),
                    committed.version,
                    committed.study_key,
                ),
            )
            connection.execute(
                "UPDATE deliveries SET urgent = ? WHERE study_key = ? AND state = 'waiting'",
                (committed.urgent, committed.study_key),
            )
            owe(connection, committed.deliveries, committed.study_key, None)

    def lacking_objects(self, limit: int = 20) -> dict[str, tuple[str, ...]]:
        """What the last reports of studies lack as DICOM objects, a sentence each, by the study's key; newest first."""
        rows = self._journal.rows(
            "SELECT key, not_made FROM studies WHERE not_made <> '[]' ORDER BY sequence DESC LIMIT ?", (limit,)
        )
        return {row["key"]: tuple(json.loads(row["not_made"])) for row in rows}

    def count_lacking_objects(self) -> int:
        """How many studies have a last report that lacks some."""
        return self._journal.count("studies WHERE not_made <> '[]'")

    def close(self, key: str) -> None:
        """The study is quiet and its last report is complete."""
        self._journal.change("UPDATE studies SET state = 'quiet' WHERE key = ? AND changes = reported_changes", key)

    def mark_published(self, key: str, version: int) -> None:
        """The plain names in the report folder now show `version`."""
        self._journal.change("UPDATE studies SET published_version = ? WHERE key = ?", version, key)

    def date_finished(self, now: datetime) -> int:
        """Begin the age of every quiet study of which nothing is owed (any more). Returns how many began."""
        return self._journal.change(
            "UPDATE studies SET finished_epoch = ? WHERE state = 'quiet' AND finished_epoch IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM deliveries WHERE study_key = studies.key AND state IN ('waiting', 'refused'))",
            int(now.timestamp()),
        )

    def dated_before(self, moment: datetime) -> list[StudyRecord]:
        """Quiet studies whose age began before `moment`, the longest finished first."""
        return self._found(
            "WHERE state = 'quiet' AND finished_epoch < ? ORDER BY finished_epoch", int(moment.timestamp())
        )

    def forget(self, key: str) -> set[str]:
        """Remove a study with all its rows, unless something of it is owed again. Returns the spool files it had."""
        with self._journal.transaction() as connection:
            owed = connection.execute(
                "SELECT 1 FROM deliveries WHERE study_key = ? AND state IN ('waiting', 'refused')", (key,)
            ).fetchone()
            if owed:
                return set()
            names = connection.execute(
                "SELECT spool_name FROM instances WHERE study_key = ?1"
                " UNION SELECT spool_name FROM deliveries WHERE study_key = ?1 AND spool_name IS NOT NULL",
                (key,),
            ).fetchall()
            connection.execute("DELETE FROM deliveries WHERE study_key = ?", (key,))
            connection.execute("DELETE FROM instances WHERE study_key = ?", (key,))
            connection.execute("DELETE FROM studies WHERE key = ?", (key,))
        return {row["spool_name"] for row in names}


def study_for(connection: sqlite3.Connection, identity: StudyIdentity) -> str:
    """The key of an instance's study, opened again or made, within a transaction of whoever adds the instance."""
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
    insert(
        connection,
        "studies",
        key=key,
        study_instance_uid=identity.study_instance_uid,
        patient_id=identity.patient_id,
        issuer=identity.issuer_of_patient_id,
        received_at=received_at,
        received_date=received_at[:10],
    )
    return key


def _study(row: sqlite3.Row) -> StudyRecord:
    values = dict(row)
    identity = StudyIdentity(
        study_instance_uid=values.pop("study_instance_uid"),
        patient_id=values.pop("patient_id"),
        issuer_of_patient_id=values.pop("issuer"),
    )
    return StudyRecord(**values | {"identity": identity, "urgent": bool(row["urgent"])})
