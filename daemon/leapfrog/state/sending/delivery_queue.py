"""In which order deliveries are tried: those in their first turn, and those that failed and wait for another.

Each question takes the same time with a hundred rows and with a hundred thousand, also when the district fails over
all of them.
"""

import json
from collections.abc import Collection, Sequence

from leapfrog.state.deliveries import DELIVERY_COLUMNS, TRIED_IN_VAIN, delivery_of
from leapfrog.state.journal import Journal
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.studies import numbers_among

FRESH = (
    "deliveries INDEXED BY deliveries_fresh WHERE state = 'waiting' AND failures = 0 AND spool_name IS NOT NULL"
    " AND destination = :destination"
)
TO_RETRY = (
    "deliveries INDEXED BY deliveries_to_retry WHERE state = 'waiting' AND failures > 0 AND spool_name IS NOT NULL"
    " AND destination = :destination"
)
ON_HOLD = "destination = ? AND state = 'refused' AND state IN ('waiting', 'refused')"  # for the index of what is owed
# For the index of what failed. What an archive stored, but has not promised yet to keep, is not sent in vain.
IN_VAIN = (
    "deliveries INDEXED BY deliveries_to_retry WHERE state = 'waiting' AND failures > 0 AND spool_name IS NOT NULL"
    f" AND destination = ? AND failures >= {TRIED_IN_VAIN} AND id NOT IN (SELECT delivery_id FROM handed_over)"
)
MOST_COUNTED = 1000
# As the column `rank` has them: an urgent structured report first, the original of an exam that is not urgent last.
RANKS = range(9)
FIRST_ORIGINAL = 7
URGENT_RANKS = (0, 1, FIRST_ORIGINAL)


_RANKS_OF_KINDS = {  # if its exam is urgent, and if not
    "structured_report": (0, 2),
    "report_pdf": (1, 3),
    "preview": (4, 4),
    "segmentation": (5, 5),
    "overlay": (6, 6),
    "original": (7, 8),
}


def rank_of(delivery: DeliveryRecord) -> int:
    """What the column `rank` says."""
    urgent, other = _RANKS_OF_KINDS[delivery.kind]
    return urgent if delivery.urgent else other


def ranks_of(kind: str) -> tuple[int, int]:
    """The ranks of objects of that kind: if their exam is urgent, and if not. Raises KeyError for an unknown one."""
    return _RANKS_OF_KINDS[kind]


class DeliveryQueue:
    """The waiting deliveries whose bytes are there. Every method is one transaction; any thread may call it.

    Moments are on the monotonic clock of this process.
    """

    def __init__(self, journal: Journal, destination: str, ranks: Sequence[int] = RANKS) -> None:
        """Use the connection of `journal`. The queue is that of one destination, by its name, and of what has one of
        `ranks`.
        """
        self._journal = journal
        self.destination = destination
        self._ranks = tuple(sorted(ranks))

    # ------------------------------------------------------------ who is next

    def next_fresh(self, *, urgent_only: bool = False) -> DeliveryRecord | None:
        """The next in its first turn, by its worth."""
        ranks = (rank for rank in self._ranks if rank in URGENT_RANKS or not urgent_only)
        found = (self._first(f"{FRESH} AND rank = :rank ORDER BY place LIMIT 1", rank=rank) for rank in ranks)
        return next((one for one in found if one), None)

    def is_empty(self) -> bool:
        """Whether nothing waits that could be sent, now or later."""
        return self.next_fresh() is None and self.soonest_retry() is None

    def alike(self, delivery: DeliveryRecord, most_bytes: int, most: int) -> list[DeliveryRecord]:
        """Others of its rank that were never tried, those first that come first, at most so many, and of so many bytes
        together.
        """
        rows = self._journal.rows(
            f"SELECT {DELIVERY_COLUMNS} FROM {FRESH} AND rank = :rank ORDER BY place LIMIT :most",
            {"destination": self.destination, "rank": rank_of(delivery), "most": most + 1},
        )
        found: list[DeliveryRecord] = []
        for other in map(delivery_of, rows):
            most_bytes -= other.byte_count
            if most_bytes < 0:
                break
            if other.id != delivery.id and not other.posted:
                found.append(other)
        return found[:most]

    def any_fresh(self, fraction: float) -> DeliveryRecord | None:
        """One in its first turn that stands about at `fraction` (0 to 1) of them: 1 is the newest original."""
        ranks = [rank for rank in self._ranks if self._first(f"{FRESH} AND rank = :rank LIMIT 1", rank=rank)]
        if not ranks:
            return None
        rank = ranks[min(len(ranks) - 1, int(fraction * len(ranks)))]
        ends = [
            self._first(f"{FRESH} AND rank = :rank ORDER BY place {order} LIMIT 1", rank=rank) for order in ("", "DESC")
        ]
        sequences = self._sequences([end.id for end in ends if end])
        start = min(sequences) + round((max(sequences) - min(sequences)) * (fraction * len(ranks) - ranks.index(rank)))
        place = start if rank >= FIRST_ORIGINAL else -start
        return self._first(
            f"{FRESH} AND rank = :rank AND place >= :place ORDER BY place LIMIT 1", rank=rank, place=place
        )

    def _sequences(self, ids: Collection[str]) -> list[int]:
        rows = self._journal.rows(
            "SELECT sequence FROM deliveries WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
        )
        return [row["sequence"] for row in rows]

    def next_retry(self, now: float) -> DeliveryRecord | None:
        """The next that failed and is due: by its worth, then the one that has been due for longest."""
        for rank in self._ranks:
            due = f"{TO_RETRY} AND rank = :rank AND due_at <= :now ORDER BY due_at LIMIT 1"
            if found := self._first(due, rank=rank, now=now):
                return found
        return None

    def soonest_retry(self) -> float | None:
        """When the first of those that failed is due; None when there are none."""
        moments = [
            row["due_at"]
            for rank in self._ranks
            for row in self._journal.rows(
                f"SELECT due_at FROM {TO_RETRY} AND rank = :rank ORDER BY due_at LIMIT 1",
                {"destination": self.destination, "rank": rank},
            )
        ]
        return min(moments, default=None)

    def _first(self, what: str, **values: object) -> DeliveryRecord | None:
        rows = self._journal.rows(f"SELECT {DELIVERY_COLUMNS} FROM {what}", {"destination": self.destination, **values})
        return delivery_of(rows[0]) if rows else None

    # ------------------------------------------------------------ what became of an attempt

    def note_failure(self, delivery_id: str, reason: str) -> None:
        """Record why an attempt failed, without blaming this delivery: it keeps its turn."""
        self._journal.change(
            "UPDATE deliveries SET last_error = ? WHERE id = ? AND state = 'waiting'", reason, delivery_id
        )

    def put_off(self, delivery_id: str, reason: str, due_at: float) -> None:
        """Record that the district failed over this very delivery, which waits until `due_at`.

        It stays marked as posted: ask before sending it again.
        """
        self._journal.change(
            "UPDATE deliveries SET last_error = ?, failures = failures + 1, due_at = ?"
            " WHERE id = ? AND state = 'waiting'",
            reason,
            due_at,
            delivery_id,
        )

    def take_back(self, delivery_ids: Collection[str], due_at: float) -> None:
        """Let refused deliveries wait again, since the district seems to refuse everything."""
        with self._journal.transaction() as connection:
            connection.executemany(
                "UPDATE deliveries SET state = 'waiting', failures = failures + 1, due_at = ?, ended_at = NULL"
                " WHERE id = ? AND state = 'refused'",
                [(due_at, delivery_id) for delivery_id in delivery_ids],
            )

    def make_all_due(self) -> None:
        """Let nothing wait for a moment any more: a person asks for it, or the moments are of another process."""
        self._journal.change(
            "UPDATE deliveries SET due_at = 0 WHERE destination = ? AND rank BETWEEN ? AND ?"
            " AND state = 'waiting' AND failures > 0 AND due_at > 0",
            self.destination,
            self._ranks[0],
            self._ranks[-1],
        )

    # ------------------------------------------------------------ what a person must look at

    def on_hold(self) -> int:
        """How many deliveries are on hold. Takes the same time for any number."""
        rows = self._journal.rows(
            "SELECT total FROM delivery_totals WHERE destination = ? AND state = 'refused'", (self.destination,)
        )
        return sum(row["total"] for row in rows)

    def exams_on_hold(self, most: int) -> list[str]:
        """The numbers of the newest exams of which something is on hold, at most so many."""
        of_this = f"deliveries WHERE {ON_HOLD}"
        return numbers_among(self._journal, "study_key", of_this, most, (self.destination,))

    def in_vain(self) -> int:
        """How many were tried for about a day, each of them in vain. No more than MOST_COUNTED are counted."""
        rows = self._journal.rows(
            f"SELECT count(*) AS total FROM (SELECT 1 FROM {IN_VAIN} LIMIT ?)",
            (self.destination, MOST_COUNTED),
        )
        return int(rows[0]["total"])

    def exams_in_vain(self, most: int) -> list[str]:
        """The numbers of the newest exams of which something was tried in vain, at most so many."""
        return numbers_among(self._journal, "study_key", IN_VAIN, most, (self.destination,))

    def on_hold_since(self, reason: str | None = None) -> str | None:
        """When the oldest delivery on hold was refused (for that reason), as local ISO text; None when none is."""
        known = "" if reason is None else " AND last_error = ?"
        rows = self._journal.rows(
            f"SELECT ended_at FROM deliveries WHERE {ON_HOLD}{known} ORDER BY sequence LIMIT 1",
            (self.destination, *(() if reason is None else (reason,))),
        )
        return str(rows[0]["ended_at"] or "") if rows else None
