"""The studies in the journal: the versions of their reports, when they are quiet, and when they may be deleted."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from leapfrog.errors import JournalError
from leapfrog.exam import ImageReading, ModelUsed
from leapfrog.state import records_to_renew
from leapfrog.state.deliveries import owe
from leapfrog.state.journal import Journal, insert
from leapfrog.state.known_instances import remember_confirmed
from leapfrog.state.prints import UNKNOWN_RESULT, NewPrint, owe_print, settle
from leapfrog.state.records import CommittedReport, FinishedStudy, NewInstance, StudyIdentity, StudyRecord
from leapfrog.state.sent_results import newest_sent, supersede

STUDY_COLUMNS = (
    "key, study_instance_uid, patient_id, issuer, received_at, received_date, state, version, published_version,"
    " derived_version, changes, reported_changes, urgent, worklist_row, settled_changes, settled_result,"
    " coalesce(exam_number, '') AS exam_number"
)


# One without a Study Instance UID is found by nobody.
WITH_IDENTITY = "study_instance_uid = ? AND patient_id = ? AND issuer = ? AND study_instance_uid <> ''"
BEYOND = 2**63 - 1  # every sequence number
NAMED_AMONG = 100  # rows that are looked through for the exams that a sentence names
DATED_AT_ONCE = 1000  # studies in one transaction: a few milliseconds
# A study that needs nothing more: quiet, none of its images to be read, nothing of it owed to anybody. A sheet that was
# not printed keeps no exam: nobody waits for paper after so many days.
FINISHED = (
    "state = 'quiet'"
    " AND NOT EXISTS (SELECT 1 FROM instances WHERE study_key = studies.key AND state = 'received')"
    " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE study_key = studies.key AND state IN ('waiting', 'refused')"
    " AND kind <> 'print')"
)
# The spool files of a study: of its instances and of what was made of them.
SPOOL_NAMES = (
    "SELECT spool_name FROM instances WHERE study_key = ?1"
    " UNION SELECT spool_name FROM deliveries WHERE study_key = ?1 AND spool_name IS NOT NULL"
    " UNION SELECT spool_name FROM encodings WHERE spool_name IS NOT NULL"
    " AND sop_instance_uid IN (SELECT sop_instance_uid FROM deliveries WHERE study_key = ?1)"
)

# Some machines give every exam the same Study Instance UID. So many others are looked at: a report names one fewer, and
# says that there are more. Beyond that, an arrival costs the same however many there are.
MOST_SHARING = 6


class Studies:
    """The rows of `studies`; every method is one transaction of the journal."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal
        self.in_use = journal.in_use

    def _select(self, condition: str, *values: Any) -> list[StudyRecord]:
        return select_studies(self._journal, condition, *values)

    def get(self, key: str) -> StudyRecord:
        """The study `key`. Raises JournalError when there is none."""
        study = self.find(key)
        if study is None:
            raise JournalError(f"There is no study {key}.")
        return study

    def find(self, key: str) -> StudyRecord | None:
        """The study `key`, or None."""
        return next(iter(self._select("WHERE key = ?", key)), None)

    def of(self, identity: StudyIdentity) -> StudyRecord | None:
        """The study with this identity, or None; None also for one without a Study Instance UID."""
        return next(iter(self._select(f"WHERE {WITH_IDENTITY}", *_values(identity))), None)

    def with_number(self, exam_number: str) -> StudyRecord | None:
        """The study with this exam number, or None."""
        return next(iter(self._select("WHERE exam_number = ? AND exam_number IS NOT NULL", exam_number)), None)

    def any_has_number(self, exam_numbers: Iterable[str]) -> bool:
        """Whether an exam has one of these numbers."""
        return any(self.with_number(number) is not None for number in exam_numbers)

    def exam_number_of(self, identity: StudyIdentity) -> str | None:
        """The number of the exam with this identity; "" when it has none yet. None when there is no such exam, and for
        an identity without a Study Instance UID.
        """
        row = self._journal.row(f"SELECT exam_number FROM studies WHERE {WITH_IDENTITY}", _values(identity))
        return None if row is None else row["exam_number"] or ""

    def exam_number(self, key: str) -> str:
        """The number of the exam with this key; "" when it has none yet, or there is no such exam."""
        study = self.find(key)
        return "" if study is None else study.exam_number

    def without_number(self, limit: int) -> list[str]:
        """The keys of studies that have no exam number yet, oldest first."""
        rows = self._journal.rows(
            "SELECT key FROM studies WHERE exam_number IS NULL ORDER BY sequence LIMIT ?", (limit,)
        )
        return [row["key"] for row in rows]

    def give_numbers(self, numbers: Mapping[str, str]) -> None:
        """Give studies, by their keys, the numbers that they lack, and have the records of their files renewed."""
        with self._journal.transaction() as connection:
            for key, number in numbers.items():
                give_number(connection, key, number)

    def pages(self, limit: int = 500) -> Iterator[list[str]]:
        """The keys of all studies in their own order, at most `limit` at once."""
        page = [""]
        while page:
            rows = self._journal.rows("SELECT key FROM studies WHERE key > ? ORDER BY key LIMIT ?", (page[-1], limit))
            if page := [row["key"] for row in rows]:
                yield page

    def open(self) -> list[StudyRecord]:
        """Studies that may still change or whose last report has not been written, oldest first."""
        return self._select("WHERE state = 'open' ORDER BY sequence")

    def to_take_up(self) -> dict[str, bool]:
        """The open studies that may need a report, oldest first, and whether the last one lacks readings.
        A study with unread images whose report lacks nothing is left out: their readings will bring it up.
        """
        rows = self._journal.rows(
            "SELECT key, changes > reported_changes AS lacking FROM studies WHERE state = 'open' AND (changes >"
            " reported_changes OR NOT EXISTS"
            " (SELECT 1 FROM instances WHERE study_key = studies.key AND state = 'received')) ORDER BY sequence"
        )
        return {row["key"]: bool(row["lacking"]) for row in rows}

    def newest(self, limit: int) -> list[StudyRecord]:
        """The newest studies, newest first."""
        return self._select("ORDER BY sequence DESC LIMIT ?", limit)

    def sharing_uid(self, study: StudyRecord) -> list[StudyRecord]:
        """Studies of other patients with the same Study Instance UID, at most MOST_SHARING of them."""
        uid = study.identity.study_instance_uid
        return (
            self._select(
                "WHERE study_instance_uid = ? AND study_instance_uid <> '' AND key <> ? LIMIT ?",
                uid,
                study.key,
                MOST_SHARING,
            )
            if uid
            else []
        )

    def is_whole(self, key: str) -> bool:
        """Whether no instance of the study is waiting to be read."""
        row = self._journal.row("SELECT 1 FROM instances WHERE study_key = ? AND state = 'received' LIMIT 1", (key,))
        return row is None

    def readings(self, study_key: str) -> list[ImageReading]:
        """The readings of a study, in the order in which its instances arrived; each image is there once. One that is
        read again has the reading of before until then.
        """
        rows = self._journal.rows(
            "SELECT reading FROM instances WHERE study_key = ? AND reading IS NOT NULL AND same_as IS NULL"
            " ORDER BY sequence",
            (study_key,),
        )
        return [ImageReading.model_validate_json(row["reading"]) for row in rows]

    def commit_report(self, committed: CommittedReport, to_print: NewPrint | None = None) -> tuple[str, ...] | None:
        """Record a new report version, its deliveries, `to_print` too, and the study's state, in one transaction. What
        is sent of it supersedes what is owed of earlier ones. Returns the spool files that nobody needs any more.

        Returns None, and does nothing, when the study has this version already or a newer one: while the report was
        rendered, one that is shown was taken over (`restore`). Likewise when what is sent of it does not name all that
        it replaces, since the sending of an earlier version began meanwhile.
        """
        superseded: tuple[str, ...] = ()
        with self._journal.transaction() as connection:
            if committed.is_sent and newest_sent(connection, committed.study_key) != committed.replaces:
                return None
            changed = connection.execute(
                "UPDATE studies SET version = ?, worklist_row = ?, urgent = ?, reported_changes = ?,"
                " not_made = CASE WHEN ? THEN not_made ELSE ? END,"
                " state = CASE WHEN ? AND changes = ? THEN 'quiet' ELSE 'open' END,"
                " derived_version = CASE WHEN ? OR (? AND derived_version = version) THEN ? ELSE derived_version END"
                " WHERE key = ? AND version < ?",
                (
                    committed.version,
                    committed.worklist_row,
                    committed.urgent,
                    committed.changes,
                    committed.same_readings,
                    json.dumps(committed.not_made),
                    committed.closing,
                    committed.changes,
                    committed.is_sent,
                    committed.same_readings,
                    committed.version,
                    committed.study_key,
                    committed.version,
                ),
            ).rowcount
            if not changed:
                return None
            # What waits says something else by now, also where the exam is wanted by nobody any more.
            if committed.is_sent or (committed.closing and not committed.same_readings):
                superseded = supersede(connection, committed.study_key)
            connection.execute(
                "UPDATE deliveries SET urgent = ? WHERE study_key = ? AND state = 'waiting'",
                (committed.urgent, committed.study_key),
            )
            owe(connection, committed.deliveries, committed.study_key, None)
            if committed.closing:
                settle(connection, committed.study_key, committed.changes, committed.result)
            if to_print is not None:
                owe_print(connection, to_print, committed.study_key)
        return superseded

    # ------------------------------------------------------------ models that were replaced

    def models_of(self, key: str) -> list[ModelUsed]:
        """The models that read the images of a study, each once."""
        rows = self._journal.rows(
            "SELECT DISTINCT json_extract(reading, '$.model') AS model FROM instances WHERE study_key = ?"
            " AND same_as IS NULL AND json_extract(reading, '$.model') IS NOT NULL",
            (key,),
        )
        return [ModelUsed.model_validate_json(row["model"]) for row in rows]

    def reported_before(self, sequence: int | None, limit: int) -> list[tuple[int, StudyRecord]]:
        """The newest studies with a report and a sequence number below `sequence` (None: any), the newest first. Each
        stands beside its number.
        """
        rows = self._journal.rows(
            f"SELECT sequence, {STUDY_COLUMNS} FROM studies WHERE version > 0 AND sequence < ?"
            " ORDER BY sequence DESC LIMIT ?",
            (BEYOND if sequence is None else sequence, limit),
        )
        return [(found.pop("sequence"), _study(found)) for found in map(dict, rows)]

    def reopen(self, key: str) -> bool:
        """Have a closing version made of a quiet study, although nothing in it has changed. Returns whether it was
        quiet.
        """
        with self._journal.transaction() as connection:
            row = connection.execute(
                "SELECT finished_day FROM studies WHERE key = ? AND state = 'quiet'", (key,)
            ).fetchone()
            if row is not None:
                connection.execute("UPDATE studies SET state = 'open' WHERE key = ?", (key,))
                # A new image would begin to count anew the days that the study is kept; this does not.
                connection.execute("UPDATE studies SET finished_day = ? WHERE key = ?", (row["finished_day"], key))
        return row is not None

    def objects_restored(self, key: str) -> None:
        """Record that the objects made of a study's last report are there. That is so only once the study is quiet."""
        self._journal.change(
            "UPDATE studies SET derived_version = version,"
            " state = CASE WHEN changes = reported_changes THEN 'quiet' ELSE state END WHERE key = ?",
            key,
        )

    def restore(
        self, key: str, version: int, worklist_row: str, *, urgent: bool, readings: Collection[ImageReading]
    ) -> None:
        """Take over a report that was rendered already: its version and its line in the worklist. It is published
        again, and counts as up to date if `readings`, which it has, are all that there are.
        """
        has = {reading.instance_id: reading for reading in readings}
        with self._journal.transaction() as connection:
            is_up_to_date = all(has.get(reading.instance_id) == reading for reading in self.readings(key))
            connection.execute(
                "UPDATE studies SET version = ?1, worklist_row = ?2, urgent = ?3,"
                " changes = CASE WHEN ?4 THEN changes ELSE max(changes, reported_changes + 1) END,"
                " reported_changes = CASE WHEN ?4 THEN changes ELSE reported_changes END,"
                # Nobody knows what was printed of it.
                " settled_changes = changes, settled_result = ?6 WHERE key = ?5",
                (version, worklist_row, urgent, is_up_to_date, key, UNKNOWN_RESULT),
            )
            connection.execute(
                "UPDATE deliveries SET urgent = ? WHERE study_key = ? AND state = 'waiting'", (urgent, key)
            )

    def lacking_objects(self, limit: int = 20) -> dict[str, tuple[str, ...]]:
        """The DICOM objects that the last reports lack, one sentence each with the reason, by study; newest first."""
        rows = self._journal.rows(
            "SELECT key, not_made FROM studies WHERE not_made <> '[]' ORDER BY sequence DESC LIMIT ?", (limit,)
        )
        return {row["key"]: tuple(json.loads(row["not_made"])) for row in rows}

    def count_lacking_objects(self) -> int:
        """How many studies have a last report for which some DICOM objects could not be made."""
        return self._journal.count("studies WHERE not_made <> '[]'")

    def report_again(self, key: str) -> None:
        """Open the study for a new version of its report, with all that is sent of it."""
        self._journal.change("UPDATE studies SET state = 'open', changes = changes + 1 WHERE key = ?", key)

    def close(self, key: str) -> None:
        """Mark the study as quiet, if its last report contains every reading."""
        self._journal.change("UPDATE studies SET state = 'quiet' WHERE key = ? AND changes = reported_changes", key)

    # ------------------------------------------------------------ retention

    def date_finished(self, day: int, after: int = 0) -> int | None:
        """Start counting the age of quiet studies of which nothing is owed (any more), from `day` of those that
        `kept_days.py` counts. Looks at some studies after the sequence number `after`. Returns the number to go on
        after, None at the end: so the journal is never held for long.
        """
        with self._journal.transaction() as connection:
            rows = connection.execute(
                "SELECT sequence FROM studies WHERE state = 'quiet' AND finished_day IS NULL AND sequence > ?"
                " ORDER BY sequence LIMIT ?",
                (after, DATED_AT_ONCE),
            ).fetchall()
            looked_at = [row["sequence"] for row in rows]
            connection.execute(
                "UPDATE studies SET finished_day = ? WHERE sequence IN (SELECT value FROM json_each(?))"
                f" AND {FINISHED}",
                (day, json.dumps(looked_at)),
            )
        return looked_at[-1] if looked_at else None

    def finished_before(self, day: int) -> FinishedStudy | None:
        """A study that has been finished since before `day`, with its spool files: of its instances and of what was
        made of them. None when there is none.
        """
        row = self._journal.row(
            "SELECT key, received_date FROM studies"
            f" WHERE finished_day < ? AND {FINISHED} ORDER BY finished_day LIMIT 1",
            (day,),
        )
        if row is None:
            return None
        names = self._journal.rows(SPOOL_NAMES, (row["key"],))
        return FinishedStudy(row["key"], row["received_date"], frozenset(name["spool_name"] for name in names))

    def count_days_anew(self, key: str) -> None:
        """Begin anew to count the days after which a study is forgotten."""
        self._journal.change("UPDATE studies SET finished_day = NULL WHERE key = ?", key)

    def forget(self, study: FinishedStudy, day: int) -> bool:
        """Delete a study with all its rows, if it is still finished since before `day` and has no other spool files.
        Returns whether it was deleted.

        One transaction looks and deletes, so an image that was acknowledged before it keeps its study, and one that
        comes later begins a new one. It also notes the report as one to be taken away (publications.py), and the
        instances as ones that the district has (known_instances.py).
        """
        key = study.key
        with self._journal.transaction() as connection:
            still = connection.execute(
                f"SELECT 1 FROM studies WHERE key = ? AND finished_day < ? AND {FINISHED}", (key, day)
            ).fetchone()
            names = {row["spool_name"] for row in connection.execute(SPOOL_NAMES, (key,))}
            if still is None or names != study.spool_names:
                return False
            connection.execute(
                "INSERT INTO forgotten_reports (key, received_date) VALUES (?, ?)", (key, study.received_date)
            )
            remember_confirmed(connection, key)
            connection.execute("DELETE FROM deliveries WHERE study_key = ?", (key,))
            connection.execute("DELETE FROM instances WHERE study_key = ?", (key,))
            connection.execute("DELETE FROM studies WHERE key = ?", (key,))
        return True


def select_studies(journal: Journal, condition: str, *values: Any) -> list[StudyRecord]:
    """The studies that `condition`, with what orders and limits them, selects."""
    return [_study(row) for row in journal.rows(f"SELECT {STUDY_COLUMNS} FROM studies {condition}", values)]


def study_for(connection: sqlite3.Connection, new: NewInstance, received_at: str) -> tuple[str, str]:
    """The key and the exam number ("" if it has none yet) of the study of an instance that was received at
    `received_at`, within the caller's transaction. The study is reopened or created.

    A study's key is the id of its first instance, so that a journal that is made anew finds the same report folder. It
    takes over the instance's exam number if it has none itself, and no other study has this one.
    """
    identity = new.study
    if identity.study_instance_uid:
        row = connection.execute(
            f"SELECT key, exam_number FROM studies WHERE {WITH_IDENTITY}", _values(identity)
        ).fetchone()
        if row is not None:
            connection.execute("UPDATE studies SET state = 'open' WHERE key = ?", (row["key"],))
            return row["key"], row["exam_number"] or give_number(connection, row["key"], new.exam_number)
        _mention_in_others(connection, identity.study_instance_uid)
    number = new.exam_number if _is_free(connection, new.exam_number) else ""
    insert(
        connection,
        "studies",
        key=new.id,
        study_instance_uid=identity.study_instance_uid,
        patient_id=identity.patient_id,
        issuer=identity.issuer_of_patient_id,
        received_at=received_at,
        received_date=received_at[:10],
        exam_number=number or None,
    )
    return new.id, number


def give_number(connection: sqlite3.Connection, key: str, exam_number: str) -> str:
    """Give a study this exam number, unless it has one, this is "" or another study has this, and have the records of
    its files renewed, within the caller's transaction. Returns the number that it was given, or "".
    """
    if not _is_free(connection, exam_number):
        return ""
    changed = connection.execute(
        "UPDATE studies SET exam_number = ? WHERE key = ? AND exam_number IS NULL", (exam_number, key)
    ).rowcount
    if not changed:
        return ""
    records_to_renew.note(connection, key)
    return exam_number


def numbers_among(journal: Journal, study_key: str, rows: str, most: int, values: Sequence[object] = ()) -> list[str]:
    """The numbers of the newest exams that `rows` (a table, with a WHERE clause) name in the column `study_key`, at
    most so many; `values` stand for its question marks. Takes the same time for any number of rows.
    """
    found = journal.rows(
        "SELECT exam_number FROM studies WHERE exam_number IS NOT NULL AND key IN"
        f" (SELECT {study_key} FROM {rows} ORDER BY sequence DESC LIMIT {NAMED_AMONG}) ORDER BY sequence DESC LIMIT ?",
        (*values, most),
    )
    return [row["exam_number"] for row in found]


def _is_free(connection: sqlite3.Connection, exam_number: str) -> bool:
    if not exam_number:
        return False
    found = connection.execute(
        "SELECT 1 FROM studies WHERE exam_number = ? AND exam_number IS NOT NULL", (exam_number,)
    )
    return found.fetchone() is None


def _values(identity: StudyIdentity) -> tuple[str, str, str]:
    """What stands for the question marks of WITH_IDENTITY."""
    return identity.study_instance_uid, identity.patient_id, identity.issuer_of_patient_id


def _mention_in_others(connection: sqlite3.Connection, study_instance_uid: str) -> None:
    """Another patient now has the same UID: the existing reports must mention it, unless they already say that there
    are more than they name.
    """
    others = connection.execute(
        "SELECT key FROM studies WHERE study_instance_uid = ? AND study_instance_uid <> '' LIMIT ?",
        (study_instance_uid, MOST_SHARING + 1),
    ).fetchall()
    if len(others) <= MOST_SHARING:
        connection.executemany(
            "UPDATE studies SET changes = changes + 1, state = 'open' WHERE key = ? AND version > 0",
            [(row["key"],) for row in others],
        )


def _study(row: sqlite3.Row | dict[str, Any]) -> StudyRecord:
    values = dict(row)
    identity = StudyIdentity(
        study_instance_uid=values.pop("study_instance_uid"),
        patient_id=values.pop("patient_id"),
        issuer_of_patient_id=values.pop("issuer"),
    )
    return StudyRecord(**values | {"identity": identity, "urgent": bool(row["urgent"])})
