"""What is owed, in other transfer syntaxes: which are there, which are to be made next, and which cannot be made. An
object is known by the UID under which it is owed, an original as well as a picture that was made of a report.

A row is made before the first attempt, and each attempt is counted before it begins. One that says that the original
goes as it came stays, so that nobody tries again; the others go when nobody waits for the original any more.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from leapfrog.state.journal import Journal, new_id
from leapfrog.state.records import DeliveryRecord

MOST_ATTEMPTS = 3
EncodingState = Literal["wanted", "ready", "as_it_came"]
ORIGINAL_RANKS = (7, 8)  # of deliveries: urgent originals, and the others
GIVEN_UP = "The program that re-encodes originals failed {count} times over it."

_COLUMNS = "id, sop_instance_uid, transfer_syntax_uid, spool_name, byte_count, file_digest"
_IS_OWED = (
    "EXISTS (SELECT 1 FROM deliveries WHERE deliveries.sop_instance_uid = encodings.sop_instance_uid"
    " AND deliveries.state = 'waiting')"
)


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """An object in another transfer syntax: the first `byte_count` bytes of the spool file `spool_name`, which have
    the digest `file_digest`. It is owed as `sop_instance_uid`; the file holds the original's own UID.
    """

    id: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    spool_name: str
    byte_count: int
    file_digest: str


@dataclass(frozen=True, kw_only=True)
class WantedEncoding:
    """An object that is to be made in another transfer syntax: the first `byte_count` bytes of `spool_name`."""

    study_key: str
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    spool_name: str
    byte_count: int
    file_digest: str


class Encodings:
    """The `encodings` table. Every method is one transaction; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal

    # ------------------------------------------------------------ for senders

    def best_for(self, delivery: DeliveryRecord, accepted: Collection[str]) -> Encoding | None:
        """The smallest form in which `delivery` can go to somebody who takes the transfer syntaxes `accepted`; None if
        it goes as it came.
        """
        if not accepted:
            return None
        row = self._journal.row(
            f"SELECT {_COLUMNS} FROM encodings WHERE sop_instance_uid = ? AND state = 'ready'"
            " AND transfer_syntax_uid IN (SELECT value FROM json_each(?)) ORDER BY byte_count LIMIT 1",
            (delivery.sop_instance_uid, json.dumps(sorted(accepted))),
        )
        return Encoding(**dict(row)) if row else None

    def want(self, delivery: DeliveryRecord, transfer_syntax_uid: str) -> EncodingState:
        """Have the object of `delivery` made in this transfer syntax, before all that is made ahead. Returns whether
        it is there, will be, or cannot be: then it goes as it came or not at all.
        """
        with self._journal.transaction() as connection:
            connection.execute(
                "INSERT INTO encodings (id, sop_instance_uid, transfer_syntax_uid) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (new_id(), delivery.sop_instance_uid, transfer_syntax_uid),
            )
        return self.state(delivery.sop_instance_uid, transfer_syntax_uid) or "wanted"

    def state(self, sop_instance_uid: str, transfer_syntax_uid: str) -> EncodingState | None:
        """How far this form of an object is; None if nobody has asked for it yet."""
        row = self._journal.row(
            "SELECT state FROM encodings WHERE sop_instance_uid = ? AND transfer_syntax_uid = ?",
            (sop_instance_uid, transfer_syntax_uid),
        )
        state: EncodingState | None = row["state"] if row else None
        return state

    def reason(self, sop_instance_uid: str, transfer_syntax_uid: str) -> str:
        """Why an object goes as it came; "" if it does not, or nobody has asked."""
        row = self._journal.row(
            "SELECT reason FROM encodings WHERE sop_instance_uid = ? AND transfer_syntax_uid = ?",
            (sop_instance_uid, transfer_syntax_uid),
        )
        return str(row["reason"]) if row else ""

    # ------------------------------------------------------------ for the one who makes them

    def next_wanted(self, wishes: Iterable[tuple[str, str]], ahead: int) -> WantedEncoding | None:
        """What is to be made next: first what somebody waits for, then, for each destination and transfer syntax of
        `wishes`, among the next `ahead` originals that it gets. None when there is nothing.
        """
        row = self._journal.row(
            "SELECT study_key, sop_class_uid, deliveries.sop_instance_uid, transfer_syntax_uid,"
            " deliveries.spool_name, deliveries.byte_count, deliveries.file_digest"
            " FROM encodings JOIN deliveries ON deliveries.sop_instance_uid = encodings.sop_instance_uid"
            " WHERE encodings.state = 'wanted' AND encodings.attempts < ?"
            " AND deliveries.state = 'waiting' AND deliveries.spool_name IS NOT NULL"
            " ORDER BY encodings.attempts, sequence LIMIT 1",
            (MOST_ATTEMPTS,),
        )
        if row:
            return WantedEncoding(**dict(row))
        found = (
            self._next_ahead(destination, syntax, rank, ahead)
            for destination, syntax in wishes
            for rank in ORIGINAL_RANKS
        )
        return next((one for one in found if one), None)

    def _next_ahead(self, destination: str, syntax: str, rank: int, ahead: int) -> WantedEncoding | None:
        """The first of the next `ahead` originals of which it is not known yet whether they can have this form."""
        row = self._journal.row(
            "SELECT study_key, sop_class_uid, sop_instance_uid, ?2 AS transfer_syntax_uid, spool_name, byte_count,"
            " file_digest FROM (SELECT * FROM deliveries INDEXED BY deliveries_fresh"
            " WHERE state = 'waiting' AND failures = 0 AND spool_name IS NOT NULL AND destination = ?1 AND rank = ?3"
            " ORDER BY place LIMIT ?4) AS next WHERE NOT EXISTS"
            " (SELECT 1 FROM encodings WHERE encodings.sop_instance_uid = next.sop_instance_uid"
            " AND transfer_syntax_uid = ?2) ORDER BY place LIMIT 1",
            (destination, syntax, rank, ahead),
        )
        return WantedEncoding(**dict(row)) if row else None

    def begin(self, wanted: WantedEncoding) -> str:
        """Count an attempt that is about to begin. Returns the id of the row, which names the file."""
        with self._journal.transaction() as connection:
            connection.execute(
                "INSERT INTO encodings (id, sop_instance_uid, transfer_syntax_uid, attempts) VALUES (?, ?, ?, 1)"
                " ON CONFLICT (sop_instance_uid, transfer_syntax_uid) DO UPDATE SET attempts = attempts + 1",
                (new_id(), wanted.sop_instance_uid, wanted.transfer_syntax_uid),
            )
            row = connection.execute(
                "SELECT id FROM encodings WHERE sop_instance_uid = ? AND transfer_syntax_uid = ?",
                (wanted.sop_instance_uid, wanted.transfer_syntax_uid),
            ).fetchone()
        return str(row["id"])

    def put_back(self, encoding_id: str) -> None:
        """Take the last attempt back: it was cut short, which says nothing of the original."""
        self._journal.change(
            "UPDATE encodings SET attempts = max(attempts - 1, 0) WHERE id = ? AND state = 'wanted'", encoding_id
        )

    def failed(self, encoding_id: str) -> None:
        """End an attempt in which the program failed. After MOST_ATTEMPTS the original goes as it came."""
        self._journal.change(
            "UPDATE encodings SET state = 'as_it_came', reason = ? WHERE id = ? AND state = 'wanted' AND attempts >= ?",
            GIVEN_UP.format(count=MOST_ATTEMPTS),
            encoding_id,
            MOST_ATTEMPTS,
        )

    def give_up_on_the_tried(self) -> None:
        """At a start: what was begun MOST_ATTEMPTS times, each time without an end, goes as it came."""
        self._journal.change(
            "UPDATE encodings SET state = 'as_it_came', reason = ? WHERE state = 'wanted' AND attempts >= ?",
            GIVEN_UP.format(count=MOST_ATTEMPTS),
            MOST_ATTEMPTS,
        )

    def made(self, encoding_id: str, spool_name: str, byte_count: int, file_digest: str) -> bool:
        """Note that it is there. Returns False when its study was forgotten meanwhile."""
        return bool(
            self._journal.change(
                "UPDATE encodings SET state = 'ready', spool_name = ?, byte_count = ?, file_digest = ?, attempts = 0"
                " WHERE id = ? AND state = 'wanted'",
                spool_name,
                byte_count,
                file_digest,
                encoding_id,
            )
        )

    def goes_as_it_came(self, encoding_id: str, reason: str) -> None:
        """Note that it cannot be made, or would be of no use."""
        self._journal.change(
            "UPDATE encodings SET state = 'as_it_came', spool_name = NULL, byte_count = 0, file_digest = '', reason = ?"
            " WHERE id = ?",
            reason,
            encoding_id,
        )

    # ------------------------------------------------------------ files that are there

    def ready_bytes(self) -> int:
        """How many bytes of the disk they take."""
        row = self._journal.row("SELECT coalesce(sum(byte_count), 0) AS total FROM encodings WHERE state = 'ready'")
        return int(row["total"]) if row else 0

    def ready(self) -> list[Encoding]:
        """All that are there."""
        rows = self._journal.rows(f"SELECT {_COLUMNS} FROM encodings WHERE state = 'ready'")
        return [Encoding(**dict(row)) for row in rows]

    def for_nobody(self) -> list[str]:
        """The ids of those, made or not, whose object nobody waits for any more."""
        rows = self._journal.rows(f"SELECT id FROM encodings WHERE state <> 'as_it_came' AND NOT {_IS_OWED}")
        return [row["id"] for row in rows]

    def forget(self, encoding_ids: Collection[str]) -> list[str]:
        """Delete their rows. Returns the names of their spool files, which nobody needs then."""
        chosen = json.dumps(list(encoding_ids))
        with self._journal.transaction() as connection:
            names = connection.execute(
                "SELECT spool_name FROM encodings WHERE id IN (SELECT value FROM json_each(?))"
                " AND spool_name IS NOT NULL",
                (chosen,),
            ).fetchall()
            connection.execute("DELETE FROM encodings WHERE id IN (SELECT value FROM json_each(?))", (chosen,))
        return [row["spool_name"] for row in names]

    def known(self, ids: Collection[str]) -> set[str]:
        """Those of `ids` that are encodings whose files are there."""
        query = "SELECT id FROM encodings WHERE id IN (SELECT value FROM json_each(?)) AND spool_name IS NOT NULL"
        return {row["id"] for row in self._journal.rows(query, (json.dumps(list(ids)),))}
