"""The instances in the journal: received, read or set aside, with a count of every attempt to read them."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from leapfrog.errors import JournalError
from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.state import records_to_renew
from leapfrog.state.deliveries import is_owed, owe
from leapfrog.state.folder_files import remember
from leapfrog.state.journal import Journal, insert, now_text
from leapfrog.state.owed_originals import READ_AFRESH, owe_by_rule
from leapfrog.state.recipients import Recipients, exam_of
from leapfrog.state.records import (
    INSTANCE_STATES,
    CommittedReading,
    InstanceRecord,
    InstanceState,
    NewDelivery,
    NewInstance,
    UidHolder,
    columns_of,
)
from leapfrog.state.studies import study_for

INSTANCE_COLUMNS = columns_of(InstanceRecord)
WAITING_INSTANCES = "instances INDEXED BY instances_waiting WHERE state = 'received' AND attempt_open = 0"

Charge = Literal["reader", "engine", "interruption"]
CHARGE_COLUMNS: dict[Charge, str] = {
    "reader": "attempts",
    "engine": "engine_failures",
    "interruption": "interruptions",
}


@dataclass(frozen=True)
class Waiting:
    """What waits to be read: the sequence numbers of the oldest and the newest film, and whether there is something
    `slow`, which waits behind films: a cine, or what failed before.
    """

    oldest_film: int | None
    newest_film: int | None
    slow: bool


@dataclass(frozen=True)
class WaitingFilm:
    """A film that waits, and whether another image of its study was read already."""

    sequence: int
    study_key: str
    is_begun: bool


@dataclass(frozen=True)
class NewlyOwed:
    """What a reading made owed: how many deliveries, and the spool files of objects that are owed to nobody."""

    count: int
    unneeded: tuple[str, ...]


class Instances:
    """The rows of `instances`. Every method is one transaction; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal

    # ------------------------------------------------------------ intake

    def add(
        self, new: NewInstance, compared: Collection[str] = (), recipients: Recipients | None = None
    ) -> list[UidHolder]:
        """Insert an instance, and the deliveries of its original if that is owed, in one transaction; if it was read
        already, also those to `recipients` that get its exam by their rules.

        Returns [] when it was inserted. If other instances have the same SOP Instance UID and are not in `compared`,
        inserts nothing and returns them, so that the caller can compare the contents first. What is owed under this
        UID already is not owed again: only this box makes objects under the UIDs that it mints, so one that comes back
        to it is what it sends, or sent. A record whose exam number is not that of its exam is noted to be renewed.

        What is inserted stands in the record of the spool file, which is durable: a start after a power cut adopts it.
        """
        with self._journal.transaction(can_be_made_again=True) as connection:
            holders = self._holders_of(new.sop_instance_uid) if new.sop_instance_uid else []
            uncompared = [holder for holder in holders if holder.id not in compared]
            if uncompared:
                return uncompared
            received_at = new.received_at or now_text()
            study_key, exam_number = study_for(connection, new, received_at)
            insert(
                connection,
                "instances",
                sequence=_free_sequence(connection, new.arrival),
                id=new.id,
                study_key=study_key,
                state="read" if new.reading else "received",
                reason=new.reading.reason if new.reading else "",
                reading=new.reading.model_dump_json() if new.reading else None,
                sop_instance_uid=new.sop_instance_uid,
                sop_class_uid=new.sop_class_uid,
                source=new.source,
                received_at=received_at,
                spool_name=new.spool_name,
                byte_count=new.byte_count,
                file_digest=new.file_digest,
                picture=new.picture.model_dump_json() if new.picture else None,
                hints=new.hints.model_dump_json(),
                forward_as=new.forward_as,
                turn=int(new.frame_count > 1),
            )
            if new.exam_number != exam_number:
                records_to_renew.note(connection, study_key)
            original = _original(new)
            if new.owed_to and new.picture is None and not is_owed(connection, original.sop_instance_uid):
                owe(connection, [original], study_key, new.id)
            if new.reading and recipients is not None:
                owe_by_rule(connection, recipients, study_key, posted=new.maybe_sent)
            if new.folder_file:
                remember(connection, new.folder_file, new.id)
        return []

    def _holders_of(self, sop_instance_uid: str) -> list[UidHolder]:
        rows = self._journal.rows(
            # The second condition lets SQLite use the partial index: it cannot know that the parameter is never ''.
            f"SELECT {columns_of(UidHolder)} FROM instances WHERE sop_instance_uid = ? AND sop_instance_uid <> ''",
            (sop_instance_uid,),
        )
        return [UidHolder(**dict(row)) for row in rows]

    def last_arrival(self) -> int:
        """The largest number of an arrival so far; 0 when nothing has arrived."""
        row = self._journal.row("SELECT seq FROM sqlite_sequence WHERE name = 'instances'")
        return int(row["seq"]) if row else 0

    def picture_of_accession(self, accession_number: str, patient_id: str) -> PictureIdentity | None:
        """The newest picture with this accession number and patient: the next one belongs to the same study."""
        row = self._journal.row(
            "SELECT picture FROM instances WHERE picture IS NOT NULL"
            " AND json_extract(picture, '$.accession_number') = ? AND json_extract(picture, '$.patient_id') = ?"
            " ORDER BY sequence DESC LIMIT 1",
            (accession_number, patient_id),
        )
        return PictureIdentity.model_validate_json(row["picture"]) if row else None

    # ------------------------------------------------------------ lanes

    def close_cut_attempts(self) -> int:
        """At a start: count attempts that were cut short when the daemon ended as interruptions. Returns how many."""
        return self._journal.change(
            "UPDATE instances SET interruptions = interruptions + 1, attempt_open = 0 WHERE attempt_open = 1"
        )

    def waiting(self) -> Waiting:
        """What waits to be read. Takes the same time for any number of rows."""
        waits = f"FROM {WAITING_INSTANCES}"
        row = self._journal.rows(
            f"SELECT (SELECT min(sequence) {waits} AND turn = 0) AS oldest_film,"
            f" (SELECT max(sequence) {waits} AND turn = 0) AS newest_film,"
            f" EXISTS (SELECT 1 {waits} AND turn > 0) AS slow"
        )[0]
        return Waiting(row["oldest_film"], row["newest_film"], slow=bool(row["slow"]))

    def begin_attempt(self, *, slow: bool = False) -> InstanceRecord | None:
        """Take the instance whose turn it is, and count the attempt before any work begins. None when none is waiting.

        Films come first, in the order in which they arrived; with `slow` none of them is taken, but the first of those
        that wait behind films: cines, what is read again, and what failed before.
        """
        with self._journal.transaction() as connection:
            return _changed(
                connection,
                "UPDATE instances SET attempt_open = 1, attempt_number = attempt_number + 1 WHERE sequence ="
                f" (SELECT sequence FROM {WAITING_INSTANCES} AND turn >= ? ORDER BY turn, sequence LIMIT 1)",
                int(slow),
            )

    def films_after(self, sequence: int, most: int) -> list[WaitingFilm]:
        """At most so many of the films that wait, those with the next numbers after `sequence`."""
        rows = self._journal.rows(
            "SELECT sequence, study_key, (SELECT changes FROM studies WHERE key = study_key) > 0 AS is_begun"
            f" FROM {WAITING_INSTANCES} AND turn = 0 AND sequence > ? ORDER BY sequence LIMIT ?",
            (sequence, most),
        )
        return [WaitingFilm(row["sequence"], row["study_key"], is_begun=bool(row["is_begun"])) for row in rows]

    def begin_film(self, sequence: int) -> InstanceRecord | None:
        """Begin an attempt at this film, as `begin_attempt` does. None when it does not wait any more."""
        with self._journal.transaction() as connection:
            return _changed(
                connection,
                "UPDATE instances SET attempt_open = 1, attempt_number = attempt_number + 1 WHERE sequence = ?"
                " AND state = 'received' AND attempt_open = 0 AND turn = 0",
                sequence,
            )

    def end_attempt(self, instance_id: str, charge: Charge) -> InstanceRecord:
        """End an attempt without a result and add it to the counter of `charge`; the instance waits again, behind all
        that have failed less often. What was interrupted keeps its turn.
        """
        column = CHARGE_COLUMNS[charge]
        later = int(charge != "interruption")
        with self._journal.transaction() as connection:
            changed = _changed(
                connection,
                f"UPDATE instances SET attempt_open = 0, {column} = {column} + 1, turn = turn + ? WHERE id = ?",
                later,
                instance_id,
            )
        if changed is None:
            raise JournalError(f"The journal has no instance {instance_id}.")
        return changed

    def put_back(self, instance_id: str, *, later: bool = False) -> None:
        """End an attempt without a result and without charging anybody. With `later` it goes behind what waits."""
        self._journal.change(
            "UPDATE instances SET attempt_open = 0, turn = turn + ? WHERE id = ? AND state = 'received'",
            int(later),
            instance_id,
        )

    def commit_reading(self, committed: CommittedReading, recipients: Recipients | None = None) -> NewlyOwed:
        """Write a reading, the instance's new state and the resulting deliveries, in one transaction: to `recipients`,
        as their rules say now that the reading is known, which may concern the whole exam; without any, as each
        delivery says.
        """
        with self._journal.transaction() as connection:
            row = connection.execute(
                "UPDATE instances SET state = ?1, reason = ?2, attempt_open = 0,"
                # One that cannot be read again keeps what was once read of it.
                " reading = CASE WHEN ?1 = 'set_aside' AND json_extract(reading, '$.outcome') <> 'not_assessed'"
                " THEN reading ELSE ?3 END,"
                " dataset_sha256 = CASE WHEN ?4 = '' OR ?1 = 'set_aside' THEN dataset_sha256 ELSE ?4 END"
                " WHERE id = ?5 AND state = 'received' RETURNING study_key",
                (
                    committed.state,
                    committed.reading.reason,
                    committed.reading.model_dump_json(),
                    committed.dataset_sha256,
                    committed.instance_id,
                ),
            ).fetchone()
            if row is None:
                raise JournalError(f"Instance {committed.instance_id} was not waiting to be read.")
            if committed.same_as and _note_same(connection, committed.instance_id, committed.same_as):
                return NewlyOwed(0, tuple(one.spool_name or "" for one in committed.deliveries))
            # Whatever came of the reading, it is other content than what has its UID, and is owed.
            connection.execute(
                "UPDATE deliveries SET spool_name = (SELECT spool_name FROM instances WHERE id = instance_id)"
                " WHERE instance_id = ? AND kind = 'original' AND spool_name IS NULL",
                (committed.instance_id,),
            )
            deliveries = committed.deliveries
            if recipients is not None and deliveries:
                exam = exam_of(connection, row["study_key"])
                deliveries = tuple(
                    replace(one, destinations=recipients.of_exam(one.kind, exam.modalities, urgent=exam.urgent))
                    for one in deliveries
                )
            owe(connection, deliveries, row["study_key"], committed.instance_id)
            count = sum(len(one.destinations) for one in deliveries)
            if recipients is not None:
                count += owe_by_rule(connection, recipients, row["study_key"], but=committed.instance_id)
            connection.execute(
                "UPDATE studies SET changes = changes + 1, state = 'open' WHERE key = ?", (row["study_key"],)
            )
        return NewlyOwed(count, tuple(one.spool_name or "" for one in deliveries if not one.destinations))

    def same_uid_before(self, instance_id: str, limit: int) -> list[InstanceRecord]:
        """The first instances of the same study that brought the SOP Instance UID of this one before it, as DICOM, and
        could be read. Several differ from one another.
        """
        rows = self._journal.rows(
            f"SELECT {INSTANCE_COLUMNS} FROM instances WHERE sop_instance_uid <> ''"
            " AND sop_instance_uid = (SELECT sop_instance_uid FROM instances WHERE id = ?1)"
            " AND study_key = (SELECT study_key FROM instances WHERE id = ?1)"
            " AND sequence < (SELECT sequence FROM instances WHERE id = ?1)"
            " AND picture IS NULL AND same_as IS NULL AND state <> 'set_aside' ORDER BY sequence LIMIT ?2",
            (instance_id, limit),
        )
        return [_instance(row) for row in rows]

    def owes_original(self, instance_id: str) -> bool:
        """Whether the original of an instance is owed, or was."""
        return bool(self._journal.count("deliveries WHERE instance_id = ? AND kind = 'original'", instance_id))

    def retry(self, instance_id: str) -> bool:
        """Queue an instance that was set aside to be read again, with its counters at zero. Returns whether it was set
        aside.
        """
        changed = self._journal.change(
            f"UPDATE instances SET {READ_AFRESH} WHERE id = ? AND state = 'set_aside'",
            instance_id,
        )
        return bool(changed)

    def read_again(self, ids: Collection[str], age_years: int | None = None) -> int:
        """Queue instances to be read again, behind films that wait, as if nothing had failed. Until one is read, the
        report of its study stays as it is. Returns how many there are: those that were read or set aside, and that do
        not show what another one shows. `age_years` is from now on the patient's age in images that do not give it.
        """
        queued = json.dumps(list(ids))
        if not ids:
            return 0
        with self._journal.transaction() as connection:
            changed = connection.execute(
                f"UPDATE instances SET {READ_AFRESH} WHERE id IN (SELECT value FROM json_each(?))"
                " AND state IN ('read', 'set_aside') AND same_as IS NULL",
                (queued,),
            ).rowcount
            if age_years is not None:
                connection.execute(
                    "UPDATE instances SET hints = json_set(hints, '$.age_years', ?)"
                    " WHERE id IN (SELECT value FROM json_each(?))",
                    (age_years, queued),
                )
            connection.execute(
                "UPDATE studies SET finished_day = NULL WHERE key IN"
                " (SELECT study_key FROM instances WHERE id IN (SELECT value FROM json_each(?)))",
                (queued,),
            )
        return changed

    def set_aside(self) -> frozenset[str]:
        """The ids of all that are set aside."""
        return frozenset(row["id"] for row in self._journal.rows("SELECT id FROM instances WHERE state = 'set_aside'"))

    def received(self, ids: Collection[str]) -> set[str]:
        """Those of `ids` that wait to be read, or are being read."""
        query = "SELECT id FROM instances WHERE id IN (SELECT value FROM json_each(?)) AND state = 'received'"
        return {row["id"] for row in self._journal.rows(query, (json.dumps(list(ids)),))}

    # ------------------------------------------------------------ adoption

    def owe_wrapped(self, instance_id: str, wrapped: NewDelivery) -> bool:
        """Owe the object that a reader made of a picture, unless its UID is owed or nobody gets it. Returns whether it
        is owed now.
        """
        with self._journal.transaction() as connection:
            if is_owed(connection, wrapped.sop_instance_uid) or not wrapped.destinations:
                return False
            key = connection.execute("SELECT study_key FROM instances WHERE id = ?", (instance_id,)).fetchone()
            owe(connection, [wrapped], key["study_key"], instance_id)
        return True

    def ids_of(self, study_key: str) -> list[str]:
        """The instances of a study, in the order in which they arrived."""
        rows = self._journal.rows("SELECT id FROM instances WHERE study_key = ? ORDER BY sequence", (study_key,))
        return [row["id"] for row in rows]

    def known(self, ids: Collection[str]) -> set[str]:
        """Those of `ids` that are instances. Only the index is read."""
        query = "SELECT id FROM instances WHERE id IN (SELECT value FROM json_each(?))"
        return {row["id"] for row in self._journal.rows(query, (json.dumps(list(ids)),))}

    # ------------------------------------------------------------ queries

    def get(self, instance_id: str) -> InstanceRecord | None:
        """The instance with this id, or None."""
        row = self._journal.row(f"SELECT {INSTANCE_COLUMNS} FROM instances WHERE id = ?", (instance_id,))
        return _instance(row) if row else None

    def listed(
        self,
        state: InstanceState | None = None,
        limit: int = 1000,
        *,
        only_file_problems: bool = False,
        study_key: str | None = None,
    ) -> list[InstanceRecord]:
        """Instances in one state or in any, of one study or of all, newest first; with `only_file_problems`, those
        whose spool file is missing or damaged.
        """
        where, values = _condition(state, only_file_problems, study_key)
        rows = self._journal.rows(
            f"SELECT {INSTANCE_COLUMNS} FROM instances {where} ORDER BY sequence DESC LIMIT ?", [*values, limit]
        )
        return [_instance(row) for row in rows]

    def count(
        self, state: InstanceState | None = None, *, only_file_problems: bool = False, study_key: str | None = None
    ) -> int:
        """How many `listed` would list without a limit."""
        if not only_file_problems and study_key is None:
            counts = self._journal.counts("instances")
            return counts[state] if state else sum(counts.values())
        where, values = _condition(state, only_file_problems, study_key)
        return self._journal.count(f"instances {where}", *values)

    def forwarded_under_new_uid(self) -> int:
        """How many instances are forwarded under a new UID because another instance had theirs."""
        return self._journal.count("instances WHERE forward_as IS NOT NULL")


def _changed(connection: sqlite3.Connection, update: str, *values: object) -> InstanceRecord | None:
    """The one instance that `update` changes, as it is afterwards. In RETURNING, the subquery for the exam number would
    go through all studies.
    """
    row = connection.execute(f"{update} RETURNING sequence", values).fetchone()
    if row is None:
        return None
    query = f"SELECT {INSTANCE_COLUMNS} FROM instances WHERE sequence = ?"
    return _instance(connection.execute(query, (row["sequence"],)).fetchone())


def _note_same(connection: sqlite3.Connection, instance_id: str, same_as: str) -> bool:
    """Note that an instance shows the image of another one of its study, and owe it no more. Returns False, and does
    nothing, when that other one is gone.
    """
    changed = connection.execute(
        "UPDATE instances SET same_as = ?2, forward_as = NULL WHERE id = ?1 AND EXISTS"
        " (SELECT 1 FROM instances AS other WHERE other.id = ?2 AND other.study_key = instances.study_key)",
        (instance_id, same_as),
    ).rowcount
    if changed:
        connection.execute(
            "DELETE FROM deliveries WHERE instance_id = ? AND kind = 'original' AND spool_name IS NULL", (instance_id,)
        )
    return bool(changed)


def _condition(state: InstanceState | None, only_file_problems: bool, study_key: str | None) -> tuple[str, list[str]]:
    wanted = {"state = ?": state, "study_key = ?": study_key}
    chosen = {condition: value for condition, value in wanted.items() if value}
    conditions = [*chosen, *(["file_problem <> ''"] if only_file_problems else [])]
    return f"WHERE {' AND '.join(conditions)}" if conditions else "", list(chosen.values())


def _original(new: NewInstance) -> NewDelivery:
    """The delivery of the original. Under a new UID it is not sent before a reader has seen whether it is other content
    at all, or the same image in another transfer syntax.
    """
    return NewDelivery(
        kind="original",
        destinations=new.owed_to,
        sop_class_uid=new.sop_class_uid,
        sop_instance_uid=new.forward_as or new.sop_instance_uid,
        spool_name=None if new.forward_as else new.spool_name,
        byte_count=new.byte_count,
        file_digest=new.file_digest,
        renamed=new.forward_as is not None,
        posted=new.maybe_sent,
    )


def _free_sequence(connection: sqlite3.Connection, arrival: int | None) -> int | None:
    """`arrival`, or None for the next free one: another instance may have it if the clock was set back."""
    taken = connection.execute("SELECT 1 FROM instances WHERE sequence = ?", (arrival,)).fetchone()
    return None if taken else arrival


def _instance(row: sqlite3.Row) -> InstanceRecord:
    values = dict(row)
    values["picture"] = PictureIdentity.model_validate_json(row["picture"]) if row["picture"] else None
    values["hints"] = PictureHints.model_validate_json(row["hints"])
    if row["state"] not in INSTANCE_STATES:
        raise JournalError(f"Instance {row['id']} has the unknown state {row['state']!r}.")
    return InstanceRecord(**values)
