"""What becomes owed when a person configures a district server, or has it sent more kinds of objects."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.deliveries import owe
from leapfrog.state.facts import put
from leapfrog.state.journal import Journal
from leapfrog.state.records import DeliveryKind, NewDelivery

FACT = "wanted_kinds"  # the kinds that were sent when the box last started, as a JSON list


@dataclass(frozen=True)
class NewlyOwed:
    """How many originals are owed that were not; how many pictures are read again, since a reader must wrap them in
    DICOM before they can be sent; how many finished studies get a last report again, with what is sent of it.
    """

    originals: int = 0
    pictures: int = 0
    studies: int = 0


def owe_what_is_wanted(journal: Journal, wanted: Collection[DeliveryKind]) -> NewlyOwed:
    """At a start: owe all that is `wanted` now and was not at the last start, in one transaction.

    A start with the same settings as the last does nothing, whatever the size of the journal.
    """
    with journal.transaction() as connection:
        row = connection.execute("SELECT value FROM facts WHERE name = ?", (FACT,)).fetchone()
        known = set(json.loads(row["value"])) if row else set()
        newly = set(wanted) - known
        if row is None or known != set(wanted):
            put(connection, FACT, json.dumps(sorted(wanted)))
        originals = pictures = studies = 0
        if "original" in newly:
            originals = _owe_originals(connection)
            pictures = _read_pictures_again(connection)
        if newly - {"original"}:
            studies = _report_again(connection)
    return NewlyOwed(originals=originals, pictures=pictures, studies=studies)


def _owe_originals(connection: sqlite3.Connection) -> int:
    """Owe every DICOM instance that is owed to nobody yet, under its new UID where another has its own. That of an
    instance that still waits to be read is known to be other content only then, so its delivery waits for that.
    """
    rows = connection.execute(
        "SELECT id, study_key, state, sop_class_uid, sop_instance_uid, forward_as, spool_name, byte_count, file_digest"
        " FROM instances WHERE sop_instance_uid <> '' AND picture IS NULL AND same_as IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE instance_id = instances.id AND kind = 'original')"
        " AND NOT EXISTS (SELECT 1 FROM deliveries"
        " WHERE sop_instance_uid = coalesce(instances.forward_as, instances.sop_instance_uid)) ORDER BY sequence"
    ).fetchall()
    for row in rows:
        renamed = row["forward_as"] is not None
        original = NewDelivery(
            kind="original",
            destinations=(DISTRICT,),
            sop_class_uid=row["sop_class_uid"],
            sop_instance_uid=row["forward_as"] or row["sop_instance_uid"],
            spool_name=None if renamed and row["state"] == "received" else row["spool_name"],
            byte_count=row["byte_count"],
            file_digest=row["file_digest"],
            renamed=renamed,
        )
        owe(connection, [original], row["study_key"], row["id"])
    return len(rows)


def _read_pictures_again(connection: sqlite3.Connection) -> int:
    """Queue the pictures whose wrapped object is owed to nobody yet, with their counters at zero."""
    return connection.execute(
        "UPDATE instances SET state = 'received', reason = '', attempts = 0, engine_failures = 0, interruptions = 0,"
        " turn = 1"
        " WHERE picture IS NOT NULL AND state IN ('read', 'set_aside')"
        " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE instance_id = instances.id AND kind = 'original')"
    ).rowcount


def _report_again(connection: sqlite3.Connection) -> int:
    """Reopen the finished studies of whose reports nothing was ever sent: their next closing version is."""
    return connection.execute(
        "UPDATE studies SET state = 'open' WHERE state = 'quiet' AND version > 0 AND derived_version = 0"
    ).rowcount
