"""What the journal knows of the spool files: how many bytes, with which digest, and what was found to be wrong."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, fields

from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.spool_file.checked import FileProblem
from leapfrog.state.journal import Journal, now_text
from leapfrog.state.records import EXAM_NUMBER, FolderFile, NewInstance, StudyIdentity, columns_of


@dataclass(frozen=True, kw_only=True)
class SpooledInstance:
    """The spool file of an instance, and the number of its exam. `file_digest` and `dataset_sha256` are "" where they
    are not known.
    """

    sequence: int
    id: str
    exam_number: str
    spool_name: str
    byte_count: int
    file_digest: str
    dataset_sha256: str
    is_picture: bool
    file_problem: FileProblem | None


@dataclass(frozen=True, kw_only=True)
class SpooledObject:
    """The spool file of a delivery. `is_made`: a reader made it, so that it is no instance's own."""

    sequence: int
    id: str
    spool_name: str
    byte_count: int
    file_digest: str
    is_made: bool


class SpooledFiles:
    """The columns of `instances` and `deliveries` that tell of files. Every method is one transaction; any thread may
    call it.
    """

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal

    # ------------------------------------------------------------ one after the other

    def next_instance(self, after: int) -> SpooledInstance | None:
        """The first instance whose sequence number is larger than `after`."""
        return next(iter(self._instances("sequence > ? ORDER BY sequence LIMIT 1", after)), None)

    def of_instance(self, instance_id: str) -> SpooledInstance | None:
        """The instance with this id, or None."""
        return next(iter(self._instances("id = ?", instance_id)), None)

    def of_study(self, study_key: str) -> list[SpooledInstance]:
        """The instances of a study, in the order in which they came."""
        return self._instances("study_key = ? ORDER BY sequence", study_key)

    def _instances(self, condition: str, value: int | str) -> list[SpooledInstance]:
        rows = self._journal.rows(
            f"SELECT sequence, id, {EXAM_NUMBER}, spool_name, byte_count, file_digest, dataset_sha256,"
            " picture IS NOT NULL AS is_picture, nullif(file_problem, '') AS file_problem"
            f" FROM instances WHERE {condition}",
            (value,),
        )
        return [SpooledInstance(**dict(row) | {"is_picture": bool(row["is_picture"])}) for row in rows]

    def next_object(self, after: int) -> SpooledObject | None:
        """The first delivery whose sequence number is larger than `after` and which still has to be sent: of those that
        share a file, since they go to several destinations, one.
        """
        found = [
            SpooledObject(**dict(row) | {"is_made": bool(row["is_made"])})
            for state in ("waiting", "refused")
            for row in self._journal.rows(
                "SELECT sequence, id, spool_name, byte_count, file_digest, NOT EXISTS"
                " (SELECT 1 FROM instances WHERE id = instance_id AND spool_name = deliveries.spool_name) AS is_made"
                " FROM deliveries INDEXED BY deliveries_by_state WHERE state = ? AND sequence > ?"
                " AND spool_name IS NOT NULL AND NOT EXISTS (SELECT 1 FROM deliveries AS other"
                " WHERE other.sop_instance_uid = deliveries.sop_instance_uid AND other.sequence < deliveries.sequence"
                " AND other.state IN ('waiting', 'refused')) ORDER BY sequence LIMIT 1",
                (state, after),
            )
        ]
        return min(found, key=lambda one: one.sequence, default=None)

    def unknown(self, names: Collection[str]) -> set[str]:
        """Those of `names`, files in the spool, that no row names."""
        rows = self._journal.rows(
            "SELECT spool_name FROM instances UNION SELECT coalesce(spool_name, '') FROM deliveries"
            " UNION SELECT coalesce(spool_name, '') FROM encodings"
        )
        return set(names) - {row["spool_name"] for row in rows}

    # ------------------------------------------------------------ what was found

    def note(self, file: SpooledInstance, problem: FileProblem | None) -> bool:
        """Note what is wrong with a file, or that nothing is. Returns False, and notes nothing, when the file was
        replaced or forgotten since `file` was looked up.
        """
        changed = self._journal.change(
            "UPDATE instances SET file_problem = ?1, file_problem_since = CASE WHEN ?1 = '' THEN NULL"
            " ELSE coalesce(file_problem_since, ?2) END WHERE id = ?3 AND file_digest = ?4 AND byte_count = ?5",
            problem or "",
            now_text(),
            file.id,
            file.file_digest,
            file.byte_count,
        )
        return bool(changed)

    def take_digest(self, file: SpooledInstance, file_digest: str) -> None:
        """Note the digest of a file that was received by a Leapfrog which took none."""
        with self._journal.transaction() as connection:
            connection.execute(
                "UPDATE instances SET file_digest = ? WHERE id = ? AND file_digest = ''", (file_digest, file.id)
            )
            connection.execute(
                "UPDATE deliveries SET file_digest = ? WHERE instance_id = ? AND spool_name = ? AND file_digest = ''",
                (file_digest, file.id, file.spool_name),
            )

    # ------------------------------------------------------------ repair

    def arrived_again(self, instance_id: str) -> bool:
        """Note that the instance was sent again, and is held: the days after which its study is deleted begin anew.
        Returns False when it is not there any more.
        """
        with self._journal.transaction() as connection:
            row = connection.execute(
                "SELECT key, finished_day FROM studies WHERE key = (SELECT study_key FROM instances WHERE id = ?)",
                (instance_id,),
            ).fetchone()
            if row is not None and row["finished_day"] is not None:
                connection.execute("UPDATE studies SET finished_day = NULL WHERE key = ?", (row["key"],))
        return row is not None

    def arrival_of(self, instance_id: str) -> NewInstance | None:
        """The instance as it came, for the record of its spool file; None when it is not there any more."""
        row = self._journal.row(
            "SELECT instances.*, study_instance_uid, patient_id, issuer, coalesce(exam_number, '') AS exam_number"
            " FROM instances JOIN studies ON studies.key = study_key WHERE instances.id = ?",
            (instance_id,),
        )
        if row is None:
            return None
        taken = self._journal.row(
            f"SELECT {columns_of(FolderFile)} FROM folder_files WHERE instance_id = ?", (instance_id,)
        )
        names = {field.name for field in fields(NewInstance)} & set(row.keys())
        values = {name: row[name] for name in names}
        values["picture"] = PictureIdentity.model_validate_json(row["picture"]) if row["picture"] else None
        values["hints"] = PictureHints.model_validate_json(row["hints"])
        return NewInstance(
            **values,
            arrival=row["sequence"],
            study=StudyIdentity(
                study_instance_uid=row["study_instance_uid"],
                patient_id=row["patient_id"],
                issuer_of_patient_id=row["issuer"],
            ),
            folder_file=FolderFile(**dict(taken)) if taken else None,
        )

    def repaired(self, instance_id: str, byte_count: int, file_digest: str, dataset_sha256: str) -> bool:
        """Record what the file of an instance holds, now that whole bytes are there again; "" for a digest that is not
        known. What could not be read or sent is tried again, and so is what was read from other bytes. Returns False
        when the instance is not there any more.
        """
        with self._journal.transaction() as connection:
            changed = connection.execute(
                "UPDATE instances SET byte_count = ?, file_digest = ?, file_problem = '', file_problem_since = NULL"
                " WHERE id = ?",
                (byte_count, file_digest, instance_id),
            ).rowcount
            connection.execute(
                "UPDATE deliveries SET byte_count = ?, file_digest = ? WHERE instance_id = ? AND spool_name ="
                " (SELECT spool_name FROM instances WHERE id = instance_id)",
                (byte_count, file_digest, instance_id),
            )
            _try_again(connection, instance_id, dataset_sha256)
        return bool(changed)


def _try_again(connection: sqlite3.Connection, instance_id: str, dataset_sha256: str) -> None:
    connection.execute(  # what was read of other bytes says nothing of these
        "UPDATE instances SET state = 'received', reason = '', attempts = 0, engine_failures = 0, interruptions = 0,"
        " reading = NULL"
        " WHERE id = ?1 AND (state = 'set_aside' OR (state = 'read' AND ?2 NOT IN ('', dataset_sha256)"
        " AND dataset_sha256 <> '' AND picture IS NULL))",
        (instance_id, dataset_sha256),
    )
    connection.execute(
        "UPDATE deliveries SET state = 'waiting', attempts = 0, last_error = '', ended_at = NULL"
        " WHERE instance_id = ? AND kind = 'original' AND state = 'refused'",
        (instance_id,),
    )
    connection.execute(
        "UPDATE studies SET finished_day = NULL WHERE key = (SELECT study_key FROM instances WHERE id = ?)",
        (instance_id,),
    )
