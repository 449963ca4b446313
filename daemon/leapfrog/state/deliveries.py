"""The deliveries: one row for each thing owed to the district server or to a printer, with its state. `prints.py` has
more of the latter.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator
from datetime import datetime

from leapfrog.errors import JournalError
from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.facts import Facts, put
from leapfrog.state.journal import Journal, new_id, now_text, plausible_since, seconds_since
from leapfrog.state.records import DELIVERY_STATES, DeliveryRecord, DeliveryState, NewDelivery, columns_of

DELIVERY_COLUMNS = columns_of(DeliveryRecord)
# So often in a row over one delivery, the last times an hour apart: a day, while the server answers.
TRIED_IN_VAIN = 30
LAST_CONFIRMED_FACT = "last_confirmed_at"  # of [district]; of others, with their name


class Deliveries:
    """The `deliveries` table. Every method is one transaction; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self.journal = self._journal = journal
        self._facts = Facts(journal)

    # ------------------------------------------------------------ for the sender

    def mark_posted(self, delivery_id: str) -> None:
        """Record, before the first byte is sent, that this delivery may have arrived, and count the attempt."""
        self._update("posted = 1, attempts = attempts + 1 WHERE id = ? AND state = 'waiting'", delivery_id)

    def confirm(self, delivery_id: str) -> None:
        """Record that its destination confirmed that it holds this instance."""
        ended_at = now_text()
        with self._journal.transaction() as connection:
            changed = connection.execute(
                "UPDATE deliveries SET state = 'confirmed', posted = 0, last_error = '', ended_at = ?"
                " WHERE id = ? AND state = 'waiting'",
                (ended_at, delivery_id),
            ).rowcount
            if changed != 1:
                raise JournalError(f"Delivery {delivery_id} was not waiting to be confirmed.")
            row = connection.execute("SELECT destination FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
            put(connection, last_confirmed_fact(row["destination"]), ended_at)

    def refuse(self, delivery_id: str, reason: str) -> None:
        """Record that this instance cannot be delivered. It stays owed until a person retries or dismisses it."""
        self._update(
            "state = 'refused', posted = 0, last_error = ?, ended_at = ? WHERE id = ? AND state = 'waiting'",
            reason,
            now_text(),
            delivery_id,
        )

    def _update(self, assignment: str, *values: object) -> None:
        changed = self._journal.change(f"UPDATE deliveries SET {assignment}", *values)
        if changed != 1:
            raise JournalError(f"Delivery {values[-1]} is not waiting.")

    # ------------------------------------------------------------ after a start

    def ask_before_sending(self, instance_id: str | None = None) -> int:
        """Mark what waits, of one instance or of all, as perhaps sent before, as when the journal may be an older copy.
        Returns how many were not marked yet.
        """
        return self._journal.change(
            "UPDATE deliveries SET posted = 1 WHERE state = 'waiting' AND posted = 0"
            " AND (?1 IS NULL OR instance_id = ?1)",
            instance_id,
        )

    def add(self, delivery: NewDelivery, study_key: str) -> bool:
        """Owe an object of a study's report, unless its UID is owed already. Returns whether it was not."""
        with self._journal.transaction() as connection:
            if is_owed(connection, delivery.sop_instance_uid):
                return False
            owe(connection, [delivery], study_key, None)
        return True

    def ids_of(self, study_key: str) -> list[str]:
        """What is owed of a study, or was, in the order in which it became so."""
        rows = self._journal.rows("SELECT id FROM deliveries WHERE study_key = ? ORDER BY sequence", (study_key,))
        return [row["id"] for row in rows]

    def known(self, ids: Collection[str]) -> set[str]:
        """Those of `ids` that are deliveries. Only the index is read."""
        query = "SELECT id FROM deliveries WHERE id IN (SELECT value FROM json_each(?))"
        return {row["id"] for row in self._journal.rows(query, (json.dumps(list(ids)),))}

    def sends(self, sop_instance_uid: str, spool_name: str) -> bool:
        """Whether any delivery of that object is, or was, sent from that spool file."""
        return bool(
            self._journal.count(
                "deliveries WHERE sop_instance_uid = ? AND spool_name = ?", sop_instance_uid, spool_name
            )
        )

    # ------------------------------------------------------------ for people

    def retry(self, owner_id: str) -> int:
        """Try refused deliveries again: one by its own id, or all of an instance by the instance's id.

        Returns how many are waiting again. A print gets a new sheet and a new job, whatever became of its last one. No
        receipt for what was written on a stick before says anything of them any more.
        """
        with self._journal.transaction() as connection:
            connection.execute(
                "DELETE FROM exported WHERE delivery_id IN"
                " (SELECT id FROM deliveries WHERE (id = ?1 OR instance_id = ?1) AND state = 'refused')",
                (owner_id,),
            )
            connection.execute(
                "UPDATE prints SET sheet_made = 0, job_name = '', job_id = NULL, handed_at = NULL WHERE delivery_id ="
                " (SELECT id FROM deliveries WHERE id = ? AND state = 'refused')",
                (owner_id,),
            )
            return connection.execute(
                "UPDATE deliveries SET state = 'waiting', attempts = 0, failures = 0, due_at = 0, last_error = '',"
                " ended_at = NULL, posted = CASE kind WHEN 'print' THEN 0 ELSE posted END"
                " WHERE (id = ? OR instance_id = ?) AND state = 'refused'",
                (owner_id, owner_id),
            ).rowcount

    def dismiss(self, owner_id: str) -> int:
        """Give up refused deliveries: one by its own id, or all of an instance by the instance's id. So too what was
        tried in vain for long, and prints that waited too long.

        Returns how many were dismissed.
        """
        return self._journal.change(
            "UPDATE deliveries SET state = 'dismissed', ended_at = ?"
            " WHERE (id = ? OR instance_id = ?)"
            " AND (state = 'refused' OR state = 'superseded' AND kind = 'print' AND last_error <> ''"
            " OR state = 'waiting' AND failures >= ?)",
            now_text(),
            owner_id,
            owner_id,
            TRIED_IN_VAIN,
        )

    def dismiss_all_of(self, destination: str) -> int:
        """Give up all that waits for a destination that the settings have no more, or was refused there, and forget the
        destination: should it come back, it is new. Returns how many were dismissed.
        """
        with self._journal.transaction() as connection:
            connection.execute("DELETE FROM destinations WHERE name = ?", (destination,))
            return connection.execute(
                "UPDATE deliveries SET state = 'dismissed', ended_at = ?"
                " WHERE destination = ? AND state IN ('waiting', 'refused')",
                (now_text(), destination),
            ).rowcount

    def get(self, delivery_id: str) -> DeliveryRecord | None:
        """The delivery with this id, or None."""
        row = self._journal.row(f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE id = ?", (delivery_id,))
        return delivery_of(row) if row else None

    def exists(self, delivery_id: str) -> bool:
        """Whether a delivery has this id."""
        return bool(self._journal.count("deliveries WHERE id = ?", delivery_id))

    def listed(
        self, state: DeliveryState | None = None, limit: int = 20, destination: str | None = None
    ) -> list[DeliveryRecord]:
        """The oldest deliveries in one state or in any, to one destination or to all."""
        wanted = {"state = ?": state, "destination = ?": destination}
        chosen = {condition: value for condition, value in wanted.items() if value is not None}
        where, values = f"WHERE {' AND '.join(chosen)}" if chosen else "", list(chosen.values())
        rows = self._journal.rows(
            f"SELECT {DELIVERY_COLUMNS} FROM deliveries {where} ORDER BY sequence LIMIT ?", [*values, limit]
        )
        return [delivery_of(row) for row in rows]

    def oldest_owed_seconds(self) -> float | None:
        """How long the oldest delivery has been owed to the district, refused ones included. None when nothing is.

        Uses the wall clock, so it is only for people; 0 when the clock was set back. What came while the clock had lost
        its battery has no age that anybody knows: the oldest of the others counts. Takes the same time for any number
        of rows.
        """
        return self._age_of_first(
            "SELECT created_at FROM deliveries WHERE sequence = (SELECT min(sequence) FROM ("
            "SELECT * FROM (SELECT sequence FROM deliveries WHERE state = 'waiting' AND kind <> 'print'"
            " AND created_at >= ?1 ORDER BY sequence LIMIT 1)"
            " UNION ALL SELECT * FROM (SELECT sequence FROM deliveries WHERE state = 'refused' AND kind <> 'print'"
            " AND created_at >= ?1 ORDER BY sequence LIMIT 1)))"
        )

    def oldest_owed_seconds_to(self, destination: str) -> float | None:
        """The same for one destination."""
        return self._age_of_first(
            "SELECT created_at FROM deliveries WHERE sequence = (SELECT min(sequence) FROM (SELECT min(sequence) AS"
            " sequence FROM deliveries WHERE destination = ?2 AND state = 'waiting' AND state IN ('waiting', 'refused')"
            " AND created_at >= ?1"
            " UNION ALL SELECT min(sequence) FROM deliveries WHERE destination = ?2 AND state = 'refused'"
            " AND state IN ('waiting', 'refused') AND created_at >= ?1))",
            destination,
        )

    def _age_of_first(self, query: str, *values: str) -> float | None:
        """The age of the first that `query` finds from a moment on (?1); 0 where there are none but earlier ones."""
        for earliest in dict.fromkeys((plausible_since(), "")):
            if (row := self._journal.row(query, (earliest, *values))) is not None:
                return seconds_since(row["created_at"])
        return None

    def totals_of(self, destination: str) -> dict[DeliveryState, int]:
        """How many deliveries to that destination are in each state."""
        totals = dict.fromkeys(DELIVERY_STATES, 0)
        for row in self._journal.rows(
            "SELECT state, sum(total) AS total FROM delivery_totals WHERE destination = ? GROUP BY state",
            (destination,),
        ):
            totals[row["state"]] = row["total"]
        return totals

    def destinations(self) -> list[str]:
        """The destinations to which anything is owed, or was, or would be if the settings had them again."""
        rows = self._journal.rows(
            "SELECT destination FROM delivery_totals WHERE destination <> '' AND total > 0"
            " UNION SELECT name FROM destinations ORDER BY destination"
        )
        return [row["destination"] for row in rows]

    def destinations_owed(self) -> dict[str, int]:
        """The destinations to which anything is owed, and how much, whether or not the settings have them."""
        rows = self._journal.rows(
            "SELECT destination, sum(total) AS total FROM delivery_totals WHERE destination <> ''"
            " AND state IN ('waiting', 'refused') GROUP BY destination HAVING sum(total) > 0 ORDER BY destination"
        )
        return {row["destination"]: row["total"] for row in rows}

    def last_confirmed_at(self, destination: str | None = None) -> str | None:
        """When something was last confirmed, by any destination or by that one, as local ISO text; None when never."""
        if destination is not None:
            return self._facts.get(last_confirmed_fact(destination))
        rows = self._journal.rows(
            "SELECT value FROM facts WHERE name = ?1 OR name LIKE ?1 || ':%'", (LAST_CONFIRMED_FACT,)
        )
        return max((str(row["value"]) for row in rows), key=datetime.fromisoformat, default=None)


def owe(
    connection: sqlite3.Connection, deliveries: Collection[NewDelivery], study_key: str, instance_id: str | None
) -> None:
    """Insert `deliveries` within the caller's transaction, a row for each destination. Each is as urgent as its study.

    Raises sqlite3.IntegrityError (JournalError, after the transaction) if one of their UIDs is owed already: see
    `is_owed`.
    """
    urgent = "(SELECT urgent FROM studies WHERE key = ?)"
    connection.executemany(
        "INSERT INTO deliveries (id, kind, destination, study_key, instance_id, sop_class_uid, sop_instance_uid,"
        " spool_name, byte_count, file_digest, renamed, posted, urgent, created_at)"
        f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {urgent}, ?)",
        [
            (
                delivery_id,
                new.kind,
                destination,
                study_key,
                instance_id,
                new.sop_class_uid,
                new.sop_instance_uid or None,
                new.spool_name,
                new.byte_count,
                new.file_digest,
                new.renamed,
                new.posted,
                study_key,
                now_text(),
            )
            for new in deliveries
            for delivery_id, destination in _rows_of(new)
        ],
    )


def _rows_of(new: NewDelivery) -> Iterator[tuple[str, str]]:
    """The id of each row, and its destination."""
    for place, destination in enumerate(new.destinations):
        yield (new.id if new.id and not place else new_id()), destination


def is_owed(connection: sqlite3.Connection, sop_instance_uid: str) -> bool:
    """Whether an object with this UID is owed, or was, within the caller's transaction."""
    found = connection.execute("SELECT 1 FROM deliveries WHERE sop_instance_uid = ?", (sop_instance_uid,))
    return found.fetchone() is not None


def delivery_of(row: sqlite3.Row) -> DeliveryRecord:
    """The row, which has DELIVERY_COLUMNS, as a record."""
    values = dict(row)
    values["sop_instance_uid"] = row["sop_instance_uid"] or ""
    values["urgent"] = bool(row["urgent"])
    values["posted"] = bool(row["posted"])
    values["renamed"] = bool(row["renamed"])
    return DeliveryRecord(**values)


def last_confirmed_fact(destination: str) -> str:
    """The name of the fact that says when that destination last confirmed something."""
    return LAST_CONFIRMED_FACT if destination == DISTRICT else f"{LAST_CONFIRMED_FACT}:{destination}"
