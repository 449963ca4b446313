"""The requests for storage commitment that were taken, until the modality has been told (PS3.4 Annex J)."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from leapfrog.dicom.commitment import CommitmentRequest, Reference
from leapfrog.errors import LeapfrogError
from leapfrog.state.facts import put
from leapfrog.state.journal import Journal, insert, new_id, now_text

REPORTED_FACT = "commitments_reported"
COLUMNS = "id, ae_title, address, transaction_uid, named_count, requested_at, failures, waited_seconds, last_error"


@dataclass(frozen=True)
class Room:
    """How many requests, and how many instances that they name, are kept of one address and of all together. A
    reference takes about 150 bytes of the journal.
    """

    requests_of_address: int
    requests: int
    named_of_address: int
    named: int


ROOM = Room(requests_of_address=500, requests=2_000, named_of_address=100_000, named=1_000_000)
# Of those that could not be called back; counted with all others, so that strangers leave half of the room free.
ROOM_OF_STRANGERS = Room(requests_of_address=100, requests=1_000, named_of_address=100_000, named=500_000)
# Of those that were given up, the newest.
ROOM_OF_GIVEN_UP = Room(requests_of_address=100, requests=1_000, named_of_address=100_000, named=1_000_000)


class TransactionInUse(LeapfrogError):
    """A modality asked for other instances under the Transaction UID of a request that it was not yet told of."""


class TooManyWaiting(LeapfrogError):
    """So many requests or instances wait to be told of already that no further request is taken."""


@dataclass(frozen=True, kw_only=True)
class Commitment:
    """A row of `commitments`, without what it names."""

    id: str
    ae_title: str
    address: str
    transaction_uid: str
    named_count: int
    requested_at: str
    failures: int
    waited_seconds: float
    last_error: str


class Commitments:
    """The `commitments` table. Every method is one transaction; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal

    def add(self, ae_title: str, address: str, request: CommitmentRequest, room: Room = ROOM) -> str:
        """Note a request, durably, where `room` is left for it. Returns its id.

        One that is sent again, since the modality did not hear that it was taken or had no report, is the same one and
        begins anew. Raises TransactionInUse, TooManyWaiting.
        """
        named = json.dumps([[one.sop_class_uid, one.sop_instance_uid] for one in request.references])
        with self._journal.transaction() as connection:
            known = connection.execute(
                "SELECT id, named, state FROM commitments WHERE ae_title = ? AND transaction_uid = ?",
                (ae_title, request.transaction_uid),
            ).fetchone()
            if known is not None and known["named"] == named:
                if known["state"] != "waiting":
                    _require_room(connection, address, len(request.references), room)
                _begin_anew(connection, known["id"], address)
                return str(known["id"])
            if known is not None and known["state"] == "waiting":
                raise TransactionInUse("The Transaction UID is in use for a request for other instances.")
            connection.execute(
                "DELETE FROM commitments WHERE ae_title = ? AND transaction_uid = ?",
                (ae_title, request.transaction_uid),
            )
            _require_room(connection, address, len(request.references), room)
            commitment_id = new_id()
            insert(
                connection,
                "commitments",
                id=commitment_id,
                ae_title=ae_title,
                address=address,
                transaction_uid=request.transaction_uid,
                named=named,
                named_count=len(request.references),
                requested_at=now_text(),
            )
        return commitment_id

    def get(self, commitment_id: str) -> Commitment | None:
        """The request with this id, if the modality is still to be told of it."""
        query = f"SELECT {COLUMNS} FROM commitments WHERE id = ? AND state = 'waiting'"
        row = self._journal.row(query, (commitment_id,))
        return Commitment(**dict(row)) if row else None

    def waiting(self) -> list[Commitment]:
        """Those that the modality is still to be told of, oldest first."""
        return self._in_state("waiting")

    def given_up(self) -> list[Commitment]:
        """Those that the modality could not be told of for too long, by modality, then oldest first."""
        return sorted(self._in_state("given_up"), key=lambda one: one.ae_title)

    def _in_state(self, state: str) -> list[Commitment]:
        rows = self._journal.rows(f"SELECT {COLUMNS} FROM commitments WHERE state = ? ORDER BY sequence", (state,))
        return [Commitment(**dict(row)) for row in rows]

    def references(self, commitment_id: str) -> tuple[Reference, ...]:
        """What a request names, as it was sent. Empty when there is no such request any more."""
        row = self._journal.row("SELECT named FROM commitments WHERE id = ?", (commitment_id,))
        return tuple(Reference(*pair) for pair in json.loads(row["named"])) if row else ()

    def counts(self) -> dict[str, int]:
        """How many requests wait and were given up, and how many were ever reported."""
        fact = self._journal.row("SELECT value FROM facts WHERE name = ?", (REPORTED_FACT,))
        return {
            "waiting": self._journal.count("commitments WHERE state = 'waiting'"),
            "given_up": self._journal.count("commitments WHERE state = 'given_up'"),
            "reported": int(fact["value"]) if fact else 0,
        }

    def exists(self, commitment_id: str) -> bool:
        """Whether there is a request with this id."""
        return bool(self._journal.count("commitments WHERE id = ?", commitment_id))

    # ------------------------------------------------------------ what becomes of them

    def reported(self, commitment_id: str) -> None:
        """The modality said that it was told: nothing needs to be known of the request any more. It can be reached, so
        what it was not told earlier is no matter for a person either.
        """
        with self._journal.transaction() as connection:
            row = connection.execute(
                "DELETE FROM commitments WHERE id = ? RETURNING ae_title, address", (commitment_id,)
            ).fetchone()
            if row is None:
                return
            connection.execute(
                "DELETE FROM commitments WHERE ae_title = ? AND address = ? AND state = 'given_up'", tuple(row)
            )
            fact = connection.execute("SELECT value FROM facts WHERE name = ?", (REPORTED_FACT,)).fetchone()
            put(connection, REPORTED_FACT, str(int(fact["value"] if fact else 0) + 1))

    def failed(self, commitment_id: str, reason: str) -> None:
        """The modality could not be told."""
        self._journal.change(
            "UPDATE commitments SET failures = failures + 1, last_error = ? WHERE id = ?", reason, commitment_id
        )

    def waited(self, seconds: Mapping[str, float], give_up_seconds: float) -> int:
        """Each of these has waited so many seconds longer. Returns how many have waited for too long by now; those are
        given up.
        """
        with self._journal.transaction() as connection:
            connection.executemany(
                "UPDATE commitments SET waited_seconds = waited_seconds + ? WHERE id = ?",
                [(more, commitment_id) for commitment_id, more in seconds.items()],
            )
            return connection.execute(
                "UPDATE commitments SET state = 'given_up' WHERE state = 'waiting' AND waited_seconds >= ?"
                " AND id IN (SELECT value FROM json_each(?))",
                (give_up_seconds, json.dumps(list(seconds))),
            ).rowcount

    def age_given_up(self, seconds: float, keep_seconds: float) -> None:
        """Those that were given up are so many seconds older. Forget those that are older than `keep_seconds` by now,
        the time in which they were tried included, and the oldest that exceed ROOM_OF_GIVEN_UP.
        """
        room = ROOM_OF_GIVEN_UP
        with self._journal.transaction() as connection:
            connection.execute(
                "UPDATE commitments SET waited_seconds = waited_seconds + ? WHERE state = 'given_up'", (seconds,)
            )
            connection.execute(
                "DELETE FROM commitments WHERE state = 'given_up' AND waited_seconds >= ?", (keep_seconds,)
            )
            connection.execute(
                "DELETE FROM commitments WHERE id IN (SELECT id FROM (SELECT id,"
                " count(*) OVER address AS requests_of_address, count(*) OVER everybody AS requests,"
                " sum(named_count) OVER address AS named_of_address, sum(named_count) OVER everybody AS named"
                " FROM commitments WHERE state = 'given_up' WINDOW everybody AS (ORDER BY sequence DESC),"
                " address AS (PARTITION BY address ORDER BY sequence DESC))"
                " WHERE requests_of_address > ? OR requests > ? OR named_of_address > ? OR named > ?)",
                (room.requests_of_address, room.requests, room.named_of_address, room.named),
            )

    def retry(self, commitment_id: str) -> bool:
        """Tell the modality after all. Returns whether that had been given up."""
        changed = self._journal.change(
            "UPDATE commitments SET state = 'waiting', failures = 0, waited_seconds = 0"
            " WHERE id = ? AND state = 'given_up'",
            commitment_id,
        )
        return bool(changed)

    def dismiss(self, commitment_id: str) -> bool:
        """Forget a request that was given up. Returns whether it had been."""
        return bool(self._journal.change("DELETE FROM commitments WHERE id = ? AND state = 'given_up'", commitment_id))


def _begin_anew(connection: sqlite3.Connection, commitment_id: str, address: str) -> None:
    connection.execute(
        "UPDATE commitments SET state = 'waiting', address = ?, failures = 0, waited_seconds = 0 WHERE id = ?",
        (address, commitment_id),
    )


def _require_room(connection: sqlite3.Connection, address: str, more: int, room: Room) -> None:
    row = connection.execute(
        "SELECT count(*) AS requests, count(*) FILTER (WHERE address = ?1) AS requests_of_address,"
        " total(named_count) AS named, total(named_count) FILTER (WHERE address = ?1) AS named_of_address"
        " FROM commitments WHERE state = 'waiting'",
        (address,),
    ).fetchone()
    if row["requests"] >= room.requests or row["requests_of_address"] >= room.requests_of_address:
        raise TooManyWaiting("Too many requests wait for the report of a storage commitment.")
    if row["named"] + more > room.named or row["named_of_address"] + more > room.named_of_address:
        raise TooManyWaiting("Too many instances wait for the report of a storage commitment.")
