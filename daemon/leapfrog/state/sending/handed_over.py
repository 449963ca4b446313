"""What archives have stored, and whether they have promised to keep it: storage commitment (PS3.4 Annex J), with this
box as the one that asks. `commitments.py` is the other way round.
"""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from leapfrog.dicom.commitment import Reference
from leapfrog.state.journal import Journal, now_text
from leapfrog.state.records import DeliveryRecord

HandedOverState = Literal["stored", "asked", "kept", "not_kept"]
# That are open for one delivery; a further one is forgotten when it is asked anew. Of those that an archive did not
# take, so few that they leave room for others.
MOST_QUESTIONS, MOST_NOT_TAKEN = 8, 3


@dataclass(frozen=True)
class HandedOver:
    """What became of one delivery that an archive has stored. `reason` is the last failure reason that it gave."""

    state: HandedOverState
    reason: int = 0
    times_not_kept: int = 0


@dataclass(frozen=True)
class Waiting:
    """How much an archive has stored without a promise, and since when, as local ISO text."""

    total: int
    since: str


class HandedOvers:
    """The tables `handed_over` and `asked_promises`. Every method is one transaction; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal

    # ------------------------------------------------------------ for who sends

    def stored(self, delivery: DeliveryRecord) -> None:
        """The archive said that it stored it: it is to be asked whether it keeps it."""
        self._journal.change(
            "INSERT INTO handed_over (delivery_id, destination, state, handed_over_at) VALUES (?, ?, 'stored', ?)"
            " ON CONFLICT (delivery_id) DO UPDATE SET state = 'stored' WHERE state = 'not_kept'",
            delivery.id,
            delivery.destination,
            now_text(),
        )

    def get(self, delivery_id: str) -> HandedOver | None:
        """What became of it; None if it was not stored yet."""
        row = self._journal.row(
            "SELECT state, reason, times_not_kept FROM handed_over WHERE delivery_id = ?", (delivery_id,)
        )
        return HandedOver(row["state"], row["reason"], row["times_not_kept"]) if row else None

    # ------------------------------------------------------------ for who asks

    def to_ask(self, destination: str, most: int) -> dict[str, Reference]:
        """What is to be asked about now, by delivery."""
        rows = self._journal.rows(
            "SELECT id, sop_class_uid, sop_instance_uid FROM deliveries WHERE id IN"
            " (SELECT delivery_id FROM handed_over WHERE destination = ? AND state = 'stored')"
            " ORDER BY sequence LIMIT ?",
            (destination, most),
        )
        return {row["id"]: Reference(row["sop_class_uid"], row["sop_instance_uid"]) for row in rows}

    def ask(self, transaction_uid: str, delivery_ids: Collection[str]) -> None:
        """Note, before it goes out, that this is asked about those: the answer may come while the box is off."""
        ids = json.dumps(list(delivery_ids))
        with self._journal.transaction() as connection:
            connection.execute(
                "INSERT INTO asked_promises (transaction_uid, delivery_id) SELECT ?, delivery_id FROM handed_over"
                " WHERE delivery_id IN (SELECT value FROM json_each(?))",
                (transaction_uid, ids),
            )
            connection.execute(
                "UPDATE handed_over SET state = 'asked' WHERE delivery_id IN (SELECT value FROM json_each(?))"
                " AND state = 'stored'",
                (ids,),
            )

    def not_asked(self, transaction_uid: str) -> None:
        """The archive did not take the question: it is asked again. Should it have taken it after all, its answer
        still counts.
        """
        self._ask_again(transaction_uid, MOST_NOT_TAKEN)

    def ask_again(self, transaction_uid: str) -> None:
        """No answer came for too long: ask again about what is still open of it. The first question stays open too."""
        self._ask_again(transaction_uid, MOST_QUESTIONS)

    def _ask_again(self, transaction_uid: str, most: int) -> None:
        with self._journal.transaction() as connection:
            connection.execute(
                "UPDATE handed_over SET state = 'stored' WHERE state = 'asked'"
                " AND delivery_id IN (SELECT delivery_id FROM asked_promises WHERE transaction_uid = ?)",
                (transaction_uid,),
            )
            connection.execute(
                "DELETE FROM asked_promises WHERE transaction_uid = ? AND delivery_id IN (SELECT delivery_id FROM"
                " asked_promises GROUP BY delivery_id HAVING count(*) >= ?)",
                (transaction_uid, most),
            )

    def open_questions(self, destination: str) -> list[str]:
        """The transactions of which something was asked and not asked again."""
        rows = self._journal.rows(
            "SELECT DISTINCT transaction_uid FROM asked_promises JOIN handed_over USING (delivery_id)"
            " WHERE destination = ? AND state = 'asked'",
            (destination,),
        )
        return [row["transaction_uid"] for row in rows]

    def waiting(self, destination: str) -> Waiting | None:
        """What the archive has stored without a promise; None when there is nothing."""
        row = self._journal.row(
            "SELECT count(*) AS total, min(handed_over_at) AS since FROM handed_over WHERE destination = ?"
            " AND state IN ('stored', 'asked')",
            (destination,),
        )
        return Waiting(row["total"], row["since"]) if row and row["total"] else None

    # ------------------------------------------------------------ what archives answer

    def destination_of(self, transaction_uid: str) -> str | None:
        """Whom this was asked; None if it is no question that is open."""
        row = self._journal.row(
            "SELECT destination FROM asked_promises JOIN handed_over USING (delivery_id) WHERE transaction_uid = ?"
            " LIMIT 1",
            (transaction_uid,),
        )
        return row["destination"] if row else None

    def answered(
        self, transaction_uid: str, kept: Collection[Reference], failed: Collection[tuple[Reference, int]]
    ) -> int:
        """The archive answered. Only what was asked in this transaction counts, by SOP class and instance; what is in
        both lists is not kept. Each of these is due at once. Returns how many that are.
        """
        reasons = dict(failed)
        promised = set(kept) - reasons.keys()
        with self._journal.transaction() as connection:
            rows = connection.execute(
                "SELECT id, sop_class_uid, sop_instance_uid FROM deliveries WHERE id IN"
                " (SELECT delivery_id FROM asked_promises WHERE transaction_uid = ?)",
                (transaction_uid,),
            ).fetchall()
            count = 0
            for row in rows:
                reference = Reference(row["sop_class_uid"], row["sop_instance_uid"])
                if reference in promised:
                    _settle(connection, row["id"], "kept", 0)
                elif reference in reasons:
                    _settle(connection, row["id"], "not_kept", reasons[reference])
                else:
                    continue
                connection.execute(
                    "DELETE FROM asked_promises WHERE transaction_uid = ? AND delivery_id = ?",
                    (transaction_uid, row["id"]),
                )
                count += 1
        return count


def _settle(connection: sqlite3.Connection, delivery_id: str, state: HandedOverState, reason: int) -> None:
    """A promise stands, also if an earlier question is answered otherwise later."""
    changed = connection.execute(
        "UPDATE handed_over SET state = ?, reason = ?, times_not_kept = times_not_kept + ? WHERE delivery_id = ?"
        " AND state IN ('stored', 'asked')",
        (state, reason, int(state == "not_kept"), delivery_id),
    ).rowcount
    if changed:
        connection.execute("UPDATE deliveries SET due_at = 0 WHERE id = ? AND state = 'waiting'", (delivery_id,))
