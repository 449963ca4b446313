"""The originals that become owed after they were admitted: those of exams that a destination gets by its rules, and
those that were here before a destination was.

Everything happens within the caller's transaction, in which that became known: so nothing is forgotten by a power cut.
"""

import sqlite3

from leapfrog.state.deliveries import owe
from leapfrog.state.recipients import Recipients, exam_of
from leapfrog.state.records import NewDelivery

# It waits behind films, and nothing that failed before counts.
READ_AFRESH = "state = 'received', reason = '', attempts = 0, engine_failures = 0, interruptions = 0, turn = 1"
# What concerns the destination `:name`, and is not owed to it.
CONCERNED = (
    "same_as IS NULL AND sequence > coalesce((SELECT exams_after FROM destinations WHERE name = :name), 0)"
    " AND NOT EXISTS (SELECT 1 FROM deliveries"
    " WHERE instance_id = instances.id AND kind = 'original' AND destination = :name)"
)
# Under one UID goes one thing. What the box made itself may come back to it as an image; it is owed already.
UID_IS_FREE = (
    "NOT EXISTS (SELECT 1 FROM deliveries WHERE sop_instance_uid ="
    " coalesce(instances.forward_as, instances.sop_instance_uid)"
    " AND (destination = :name OR instance_id IS NOT instances.id))"
)
WRAPPED = "SELECT 1 FROM deliveries WHERE instance_id = instances.id AND kind = 'original'"


def owe_by_rule(
    connection: sqlite3.Connection, recipients: Recipients, study_key: str, *, but: str = "", posted: bool = False
) -> int:
    """Owe the originals of a study to those that get it by their rules, as far as it was read. `but` is the instance
    that was read just now; `posted` is as in NewDelivery. Returns how many are owed that were not.
    """
    if not recipients.of_some_exams("original"):
        return 0
    names = recipients.by_rule("original", exam_of(connection, study_key))
    return sum(
        owe_originals(connection, name, "study_key = :study", {"study": study_key}, posted=posted)
        + _owe_wrapped(connection, name, "study_key = :study", {"study": study_key})
        + _wrap_again(
            connection,
            f"study_key = :study AND id <> :but AND turn = 0 AND {CONCERNED}",
            {"study": study_key, "but": but, "name": name},
        )
        for name in names
    )


def owe_originals(
    connection: sqlite3.Connection, name: str, condition: str, values: dict[str, object], *, posted: bool = False
) -> int:
    """Owe those DICOM instances of `condition` to the destination `name` that are not owed to it, each under its new
    UID where another has its own. That of an instance that still waits to be read is known to be other content only
    then, so its delivery waits for that. Returns how many they are.
    """
    rows = connection.execute(
        "SELECT id, study_key, state, sop_class_uid, sop_instance_uid, forward_as, spool_name, byte_count, file_digest"
        f" FROM instances WHERE {condition} AND sop_instance_uid <> '' AND picture IS NULL AND {CONCERNED}"
        f" AND {UID_IS_FREE} ORDER BY sequence",
        {**values, "name": name},
    ).fetchall()
    for row in rows:
        renamed = row["forward_as"] is not None
        original = NewDelivery(
            kind="original",
            destinations=(name,),
            sop_class_uid=row["sop_class_uid"],
            sop_instance_uid=row["forward_as"] or row["sop_instance_uid"],
            spool_name=None if renamed and row["state"] == "received" else row["spool_name"],
            byte_count=row["byte_count"],
            file_digest=row["file_digest"],
            renamed=renamed,
            posted=posted,
        )
        owe(connection, [original], row["study_key"], row["id"])
    return len(rows)


def owe_pictures(
    connection: sqlite3.Connection, name: str, condition: str, values: dict[str, object]
) -> tuple[int, int]:
    """Owe the pictures of `condition` to the destination `name` in the form in which a reader wrapped them for others.
    Those that were wrapped for nobody are read again. Returns how many are owed now, and how many are read again.
    """
    wrapped = _owe_wrapped(connection, name, condition, values)
    concerned = f"{condition} AND {CONCERNED}"
    return wrapped, _wrap_again(connection, concerned, {**values, "name": name}, states="'read', 'set_aside'")


def _owe_wrapped(connection: sqlite3.Connection, name: str, condition: str, values: dict[str, object]) -> int:
    rows = connection.execute(
        "SELECT instances.id, instances.study_key, made.sop_class_uid, made.sop_instance_uid, made.spool_name,"
        " made.byte_count, made.file_digest FROM (SELECT * FROM instances"
        f" WHERE {condition} AND picture IS NOT NULL AND {CONCERNED}) AS instances"
        " JOIN deliveries AS made ON made.instance_id = instances.id AND made.kind = 'original'"
        " AND made.spool_name IS NOT NULL GROUP BY instances.id ORDER BY instances.sequence",
        {**values, "name": name},
    ).fetchall()
    for row in rows:
        wrapped = NewDelivery(
            kind="original",
            destinations=(name,),
            sop_class_uid=row["sop_class_uid"],
            sop_instance_uid=row["sop_instance_uid"],
            spool_name=row["spool_name"],
            byte_count=row["byte_count"],
            file_digest=row["file_digest"],
        )
        owe(connection, [wrapped], row["study_key"], row["id"])
    return len(rows)


def _wrap_again(
    connection: sqlite3.Connection, condition: str, values: dict[str, object], states: str = "'read'"
) -> int:
    """Queue the pictures that were wrapped for nobody, with their counters at zero."""
    return connection.execute(
        f"UPDATE instances SET {READ_AFRESH} WHERE {condition} AND picture IS NOT NULL AND state IN ({states})"
        f" AND same_as IS NULL AND NOT EXISTS ({WRAPPED})",
        values,
    ).rowcount
