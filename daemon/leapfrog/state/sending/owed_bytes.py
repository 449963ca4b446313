"""What is owed, by destination and kind, counted by triggers: asking takes the same time for any number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from leapfrog.state.journal import Journal

# The order in which they are sent, about.
KINDS = ("structured_report", "report_pdf", "preview", "segmentation", "overlay", "original")


@dataclass(frozen=True)
class OwedBytes:
    """What waits to be sent to one destination, of one kind: how many objects, and how many bytes together."""

    destination: str
    kind: str
    total: int
    byte_count: int


def owed_bytes(journal: Journal) -> list[OwedBytes]:
    """What waits, by destination and then in the order in which it is sent. Prints are no part of it."""
    rows = journal.rows(
        "SELECT destination, kind, total, byte_count FROM delivery_totals"
        " WHERE state = 'waiting' AND kind <> 'print' AND total > 0"
    )
    found = [OwedBytes(row["destination"], row["kind"], row["total"], row["byte_count"]) for row in rows]
    return sorted(found, key=lambda owed: (owed.destination, KINDS.index(owed.kind)))


def owed_to_each(journal: Journal) -> dict[str, tuple[int, int]]:
    """How many objects, and how many bytes together, are owed to each destination, what it refused included."""
    rows = journal.rows(
        "SELECT destination, sum(total) AS objects, sum(byte_count) AS bytes FROM delivery_totals"
        " WHERE state IN ('waiting', 'refused') AND kind <> 'print' GROUP BY destination HAVING sum(total) > 0"
    )
    return {row["destination"]: (row["objects"], max(0, row["bytes"])) for row in rows}


def seconds_left(owed: Sequence[OwedBytes], bytes_per_second: float | None) -> float | None:
    """How long it takes to send all of that; None when nobody knows how fast the link is."""
    byte_count = sum(one.byte_count for one in owed)
    if not byte_count:
        return 0.0
    return byte_count / bytes_per_second if bytes_per_second else None
