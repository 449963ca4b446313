"""What was written on sticks, and what receipts say of it.

A part is noted, durably, before it gets its name on a stick: whatever is there can be confirmed. What is on a stick is
owed as before, until a receipt confirms it; it may be written on further sticks, and a link may send it as well.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from leapfrog.errors import UsageError
from leapfrog.state.deliveries import DELIVERY_COLUMNS, delivery_of, last_confirmed_fact
from leapfrog.state.facts import put
from leapfrog.state.journal import Journal, now_text
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.delivery_queue import FIRST_ORIGINAL, FRESH, RANKS, TO_RETRY

# By export and part. It is a name on a stick, too.
Part = tuple[str, int]

# It does not refer to the row that is asked about, so that SQLite finds it out once.
IS_HERE = (
    "id IN (SELECT delivery_id FROM json_each(:here) JOIN exported ON export_id = json_extract(value, '$[0]')"
    " AND part = json_extract(value, '$[1]'))"
)
IS_ON_ANOTHER = (
    "EXISTS (SELECT 1 FROM exported JOIN exported_parts USING (export_id, part) WHERE delivery_id = deliveries.id"
    " AND on_stick = 1 AND public_key = :public_key)"
)
WAITING_ON_STICKS = (
    "FROM exported_parts JOIN exported USING (export_id, part) JOIN deliveries ON deliveries.id = delivery_id"
    " WHERE exported_parts.destination = ?1 AND on_stick = 1 AND state = 'waiting'"
)
MOST_COUNTED = 10_000  # of what waits on sticks: for people, more is as many


@dataclass(frozen=True)
class Turn:
    """What goes on a stick one after the other: what has `rank` and is `on_another` stick already, or on none."""

    rank: int
    on_another: bool


# Results before originals, as over a link; what is on another stick after what is on none, since that may arrive yet.
TURNS = tuple(
    Turn(rank, on_another)
    for ranks in ([one for one in RANKS if one < FIRST_ORIGINAL], [one for one in RANKS if one >= FIRST_ORIGINAL])
    for on_another in (False, True)
    for rank in ranks
)


@dataclass(frozen=True, kw_only=True)
class ExportedPart:
    """One part that was written: to which key of its district, signed with which of the box; of how many bytes, with
    which SHA-256; how many of its objects still wait, and whether there was a receipt for it.
    """

    export_id: str
    part: int
    public_key: str
    station_key: str
    byte_count: int
    file_sha256: str
    waiting: int
    has_receipt: bool


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some of what is owed, in its order. `after`: from where to go on, None after the last."""

    deliveries: tuple[DeliveryRecord, ...]
    after: int | None


@dataclass(frozen=True, kw_only=True)
class Sticks:
    """What is known of the sticks for one destination. `last_written_at` and `last_receipt_at` are local ISO text, None
    when never; `unconfirmed`: how many objects were written and wait for their receipt, no more than MOST_COUNTED;
    `since`: when the oldest part with any of them was written, as local ISO text.
    """

    last_written_at: str | None
    last_receipt_at: str | None
    unconfirmed: int
    since: str | None


@dataclass(frozen=True)
class NewPart:
    """A part that is about to get its name: encrypted to a district's `public_key`, and signed with the `station_key`
    (hexadecimal); of each delivery in it the SHA-256 of the bytes that went.
    """

    export_id: str
    part: int
    public_key: str
    station_key: str
    byte_count: int
    file_sha256: str
    contents: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Addressee:
    """For which destination a part was written, and to which key."""

    destination: str
    public_key: str


Became = Literal["confirmed", "refused", "confirmed before", "refused before", "not owed", "never written"]


class Exported:
    """The tables `exported_parts` and `exported`. Every method is one transaction; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal

    # ------------------------------------------------------------ for who writes

    def page(self, to: Addressee, turn: Turn, here: Collection[Part], after: int | None, most: int) -> Page:
        """The next of what is owed to a destination and has that turn, at most so many, without what is in the parts
        that are `here`. What is on another stick, but encrypted to a key that it had before, counts as on none.
        """
        chosen = f" AND rank = :rank AND place > :after AND NOT {IS_HERE} AND {'' if turn.on_another else 'NOT '}"
        first = -(1 << 62) if after is None else after
        either = " UNION ALL ".join(
            f"SELECT * FROM (SELECT id, place FROM {rows}{chosen}{IS_ON_ANOTHER} ORDER BY place LIMIT :most)"
            for rows in (FRESH, TO_RETRY)
        )
        next_ones = self._journal.rows(
            f"SELECT id, place FROM ({either}) ORDER BY place LIMIT :most",
            {
                "destination": to.destination,
                "public_key": to.public_key,
                "rank": turn.rank,
                "here": _listed(here),
                "after": first,
                "most": most,
            },
        )
        rows = self._journal.rows(
            f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE id IN (SELECT value FROM json_each(?)) ORDER BY place",
            (json.dumps([row["id"] for row in next_ones]),),
        )
        after = next_ones[-1]["place"] if len(next_ones) == most else None
        return Page(deliveries=tuple(map(delivery_of, rows)), after=after)

    def total(self, destination: str, ranks: Collection[int], here: Collection[Part]) -> tuple[int, int]:
        """How many objects are to be written, and of how many bytes together as they came."""
        rows = self._journal.rows(
            "SELECT count(*) AS total, coalesce(sum(byte_count), 0) AS byte_count FROM deliveries WHERE destination ="
            " :destination AND state = 'waiting' AND state IN ('waiting', 'refused') AND spool_name IS NOT NULL"
            f" AND rank IN (SELECT value FROM json_each(:ranks)) AND NOT {IS_HERE}",
            {"destination": destination, "ranks": json.dumps(sorted(ranks)), "here": _listed(here)},
        )
        return int(rows[0]["total"]), int(rows[0]["byte_count"])

    def still_waiting(self, delivery_ids: Collection[str]) -> list[str]:
        """Those of these that wait."""
        rows = self._journal.rows(
            "SELECT id FROM deliveries WHERE state = 'waiting' AND id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(delivery_ids)),),
        )
        return [row["id"] for row in rows]

    def known(self, destination: str, parts: Collection[Part]) -> list[ExportedPart]:
        """Those of `parts` that this box wrote for that destination."""
        rows = self._journal.rows(
            "SELECT export_id, part, public_key, station_key, byte_count, file_sha256,"
            " (SELECT count(*) FROM exported JOIN deliveries ON id = delivery_id WHERE exported.export_id ="
            " exported_parts.export_id AND exported.part = exported_parts.part AND state = 'waiting') AS waiting,"
            " receipt_at IS NOT NULL AS has_receipt FROM exported_parts"
            " WHERE destination = ? AND (export_id, part) IN"
            " (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))"
            " ORDER BY export_id, part",
            (destination, _listed(parts)),
        )
        return [ExportedPart(**dict(row) | {"has_receipt": bool(row["has_receipt"])}) for row in rows]

    def add(self, destination: str, new: NewPart) -> None:
        """Note a part, before it gets its name. What waits in it may arrive from now on: whoever sends it over a link
        asks first. What was ended meanwhile is not in it, as far as receipts go.

        Raises UsageError when there is such a part.
        """
        with self._journal.transaction() as connection:
            if connection.execute(
                "SELECT 1 FROM exported_parts WHERE export_id = ? AND part = ?", (new.export_id, new.part)
            ).fetchone():
                raise UsageError("This part was noted before.")
            connection.execute(
                "INSERT INTO exported_parts (export_id, part, destination, public_key, station_key, byte_count,"
                " file_sha256, exported_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    new.export_id,
                    new.part,
                    destination,
                    new.public_key,
                    new.station_key,
                    new.byte_count,
                    new.file_sha256,
                    now_text(),
                ),
            )
            connection.executemany(
                "INSERT INTO exported (delivery_id, export_id, part, content_sha256) SELECT id, ?, ?, ? FROM deliveries"
                " WHERE id = ? AND destination = ? AND state = 'waiting'",
                [(new.export_id, new.part, sha256, one, destination) for one, sha256 in new.contents],
            )
            # A link asks for an original anyway before its first attempt, and compares what it finds. If this one
            # counted as sent, another image that the district held before would be taken for it.
            connection.execute(
                "UPDATE deliveries SET posted = 1 WHERE state = 'waiting' AND (kind <> 'original' OR renamed = 1)"
                " AND id IN (SELECT delivery_id FROM exported WHERE export_id = ? AND part = ?)",
                (new.export_id, new.part),
            )

    def are_there(self, parts: Collection[Part]) -> None:
        """Note that these parts have their names on a stick."""
        self._journal.change(
            "UPDATE exported_parts SET on_stick = 1 WHERE on_stick <> 1 AND receipt_at IS NULL AND (export_id, part) IN"
            " (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))",
            _listed(parts),
        )

    def are_gone(self, parts: Collection[Part]) -> None:
        """Note that these parts are on no stick: they were damaged there, or removed."""
        self._journal.change(
            "UPDATE exported_parts SET on_stick = 2 WHERE on_stick = 1 AND (export_id, part) IN"
            " (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))",
            _listed(parts),
        )

    # ------------------------------------------------------------ for who takes receipts

    def addressee_of(self, part: Part) -> Addressee | None:
        """For whom a part was written; None if this box wrote none such."""
        row = self._journal.row(
            "SELECT destination, public_key FROM exported_parts WHERE export_id = ? AND part = ?", part
        )
        return Addressee(row["destination"], row["public_key"]) if row else None

    def take(
        self, part: Part, confirmed: Sequence[tuple[str, str]], refused: Sequence[tuple[str, str]]
    ) -> dict[Became, int]:
        """What a receipt for `part` says: the deliveries that arrived, each with the SHA-256 of what did, and those
        that were refused, each with a reason. Only what was written in this very part with these very bytes counts.
        What an earlier receipt, or a link, had refused may have arrived after all. Returns how many became what.
        """
        outcome: dict[Became, int] = {}
        with self._journal.transaction() as connection:
            to = self.addressee_of(part)
            for delivery_id, sha256 in confirmed:
                became = _confirm(connection, part, delivery_id, sha256)
                outcome[became] = outcome.get(became, 0) + 1
            for delivery_id, reason in refused:
                became = _refuse(connection, part, delivery_id, reason)
                outcome[became] = outcome.get(became, 0) + 1
            if to is not None and outcome.get("confirmed"):
                put(connection, last_confirmed_fact(to.destination), now_text())
            connection.execute(
                "UPDATE exported_parts SET receipt_at = ?, on_stick = 2 WHERE export_id = ? AND part = ?",
                (now_text(), *part),
            )
            # Wherever other parts are of which nothing waits any more: nobody misses the stick.
            connection.execute(
                "UPDATE exported_parts SET on_stick = 2 WHERE on_stick = 1 AND (export_id, part) IN (SELECT export_id,"
                " part FROM exported WHERE delivery_id IN (SELECT value FROM json_each(?))) AND NOT EXISTS (SELECT 1"
                " FROM exported JOIN deliveries ON id = delivery_id WHERE exported.export_id = exported_parts.export_id"
                " AND exported.part = exported_parts.part AND state = 'waiting')",
                (json.dumps([one for one, _ in (*confirmed, *refused)]),),
            )
        return outcome

    # ------------------------------------------------------------ for people

    def sticks(self, destination: str) -> Sticks:
        """What is known of the sticks for a destination."""
        written = self._newest("exported_at", "on_stick > 0", destination)
        receipt = self._newest("receipt_at", "receipt_at IS NOT NULL", destination)
        waiting = self._journal.row(
            f"SELECT count(*) FROM (SELECT DISTINCT delivery_id {WAITING_ON_STICKS} LIMIT ?2)",
            (destination, MOST_COUNTED),
        )
        oldest = self._journal.row(
            f"SELECT exported_at {WAITING_ON_STICKS} ORDER BY exported_parts.sequence LIMIT 1", (destination,)
        )
        return Sticks(
            last_written_at=written,
            last_receipt_at=receipt,
            unconfirmed=waiting[0] if waiting else 0,
            since=oldest["exported_at"] if oldest else None,
        )

    def _newest(self, column: str, condition: str, destination: str) -> str | None:
        row = self._journal.row(
            f"SELECT {column} FROM exported_parts WHERE destination = ? AND {condition} ORDER BY sequence DESC LIMIT 1",
            (destination,),
        )
        return str(row[0]) if row else None


def _confirm(connection: sqlite3.Connection, part: Part, delivery_id: str, sha256: str) -> Became:
    row = _written(connection, part, delivery_id)
    if row is None or row["content_sha256"] != sha256:
        return "never written"
    if row["state"] == "confirmed":
        return "confirmed before"
    if row["state"] not in ("waiting", "refused"):
        return "not owed"
    if row["state"] == "refused":
        connection.execute("UPDATE deliveries SET state = 'waiting' WHERE id = ?", (delivery_id,))
    connection.execute(
        "UPDATE deliveries SET state = 'confirmed', posted = 0, last_error = '', ended_at = ? WHERE id = ?",
        (now_text(), delivery_id),
    )
    return "confirmed"


def _refuse(connection: sqlite3.Connection, part: Part, delivery_id: str, reason: str) -> Became:
    row = _written(connection, part, delivery_id)
    if row is None:
        return "never written"
    if row["state"] in ("confirmed", "refused"):
        return "confirmed before" if row["state"] == "confirmed" else "refused before"
    if row["state"] != "waiting":
        return "not owed"
    connection.execute(
        "UPDATE deliveries SET state = 'refused', posted = 0, last_error = ?, ended_at = ? WHERE id = ?",
        (reason, now_text(), delivery_id),
    )
    return "refused"


def _written(connection: sqlite3.Connection, part: Part, delivery_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT state, content_sha256 FROM exported JOIN deliveries ON id = delivery_id"
        " WHERE delivery_id = ? AND export_id = ? AND exported.part = ?",
        (delivery_id, *part),
    ).fetchone()
    return row


def _listed(parts: Collection[Part]) -> str:
    return json.dumps([list(part) for part in parts])
