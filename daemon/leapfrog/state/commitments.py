"""The requests for storage commitment that were taken, until the modality has been told (PS3.4 Annex J)."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from leapfrog.dicom.commitment import CommitmentRequest, Reference
from leapfrog.errors import LeapfrogError
from leapfrog.state.facts import put
from leapfrog.state.journal import Journal, insert, new_id, now_text

REPORTED_FACT = "commitments_reported"
# Of those that are still to be told, so that nobody fills the journal: about 15 MB, and 150 MB.
MOST_NAMED_PER_ADDRESS = 100_000
MOST_NAMED = 1_000_000
COLUMNS = "id, ae_title, address, transaction_uid, named_count, requested_at, failures, waited_seconds, last_error"


class TransactionInUse(LeapfrogError):
    """A modality asked for other instances under the Transaction UID of a request that it was not yet told of."""


class TooManyWaiting(LeapfrogError):
    """So many instances wait to be told of already that no further request is taken."""


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

    def add(self, ae_title: str, address: str, request: CommitmentRequest) -> str:
        """Note a request, durably. Returns its id.

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
                _begin_anew(connection, known["id"], address)
                return str(known["id"])
            if known is not None and known["state"] == "waiting":
                raise TransactionInUse("The Transaction UID is in use for a request for other instances.")
            connection.execute(
                "DELETE FROM commitments WHERE ae_title = ? AND transaction_uid = ?",
                (ae_title, request.transaction_uid),
            )
            _require_room(connection, address, len(request.references))
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
                "DELETE FROM commitments WHERE id = ? RETURNING ae_title", (commitment_id,)
            ).fetchone()
            if row is None:
                return
            connection.execute("DELETE FROM commitments WHERE ae_title = ? AND state = 'given_up'", (row["ae_title"],))
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
                "UPDATE commitments SET state = 'given_up' WHERE state = 'waiting' AND waited_seconds >= ?",
                (give_up_seconds,),
            ).rowcount

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

    def still_waiting(self, ids: Collection[str]) -> set[str]:
        """Those of `ids` that the modality is still to be told of."""
        query = "SELECT id FROM commitments WHERE id IN (SELECT value FROM json_each(?)) AND state = 'waiting'"
        return {row["id"] for row in self._journal.rows(query, (json.dumps(list(ids)),))}


def _begin_anew(connection: sqlite3.Connection, commitment_id: str, address: str) -> None:
    connection.execute(
        "UPDATE commitments SET state = 'waiting', address = ?, failures = 0, waited_seconds = 0 WHERE id = ?",
        (address, commitment_id),
    )


def _require_room(connection: sqlite3.Connection, address: str, more: int) -> None:
    row = connection.execute(
        "SELECT total(named_count) AS here, total(named_count) FILTER (WHERE address = ?) AS of_address"
        " FROM commitments",
        (address,),
    ).fetchone()
    if row["here"] + more > MOST_NAMED or row["of_address"] + more > MOST_NAMED_PER_ADDRESS:
        raise TooManyWaiting("Too many instances wait for the report of a storage commitment.")
