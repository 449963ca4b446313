"""What holds of journal, spool and outbox between any two events, whatever the events were. The one list of it."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from leapfrog.spool_file.checked import file_problem
from leapfrog.spool_file.content import open_content
from leapfrog.state.records import DeliveryState, InstanceState
from properties.box import Box

# journal.sql: one event may move a thing several times, so what follows is what can be reached.
INSTANCE_MOVES: dict[InstanceState, frozenset[InstanceState]] = {
    "received": frozenset(("received", "read", "set_aside", "forward_only")),
    "read": frozenset(("received", "read", "set_aside", "forward_only")),
    "set_aside": frozenset(("received", "read", "set_aside", "forward_only")),
    "forward_only": frozenset(("forward_only",)),
}
DELIVERY_MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    "waiting": frozenset(("waiting", "confirmed", "refused", "superseded", "dismissed")),
    "refused": frozenset(("waiting", "confirmed", "refused", "superseded", "dismissed")),
    "superseded": frozenset(("superseded",)),
    "confirmed": frozenset(("confirmed",)),
    "dismissed": frozenset(("dismissed",)),
}


@dataclass
class Before:
    """The journal after the event before: states by id, what each delivery belongs to, and of which opening it was."""

    starts: int = 0
    instances: dict[str, InstanceState] = field(default_factory=dict)
    deliveries: dict[str, DeliveryState] = field(default_factory=dict)
    study_of: dict[str, str] = field(default_factory=dict)  # of instances and deliveries


def nothing_acknowledged_is_lost(box: Box, before: Before) -> None:
    """What a sender was told to be kept is in the journal with all its bytes, unless retention forgot it. If the disk
    lost or damaged the file, the instance is still known; if it lost the journal too, what is left lies aside.
    """
    for one in box.told.acknowledged.values():
        if one.instance_id in box.told.forgotten | box.told.destroyed:
            continue
        record = box.instances.get(one.instance_id)
        assert record is not None, f"instance {one.instance_id} is lost"
        if one.instance_id not in box.told.spoiled:
            with open_content(box.spool.path(record.spool_name), record.byte_count) as stream:
                assert stream.read() == one.content, f"instance {one.instance_id} has other bytes"


def what_is_owed_is_owed_once(box: Box, before: Before) -> None:
    """Each DICOM instance has one original to deliver, or is the image of another one; no UID is owed twice."""
    rows = box.journal.rows("SELECT sop_instance_uid, instance_id, kind, spool_name FROM deliveries")
    assert max(Counter(row["sop_instance_uid"] for row in rows).values(), default=0) <= 1
    originals = Counter(row["instance_id"] for row in rows if row["kind"] == "original")
    assert max(originals.values(), default=0) <= 1
    for row in box.journal.rows("SELECT id, same_as, picture FROM instances WHERE sop_instance_uid <> ''"):
        if row["picture"] is None:
            assert originals[row["id"]] == (row["same_as"] is None), f"{row['id']} is owed {originals[row['id']]} times"


def nothing_confirmed_is_sent_again(box: Box, before: Before) -> None:
    """Not after a restart, a retry, or from an older copy of the journal: then the district is asked first."""
    for uid, posts in box.told.confirmed.items():
        assert box.proxy.posts[uid] == posts, f"{uid} was sent again after it was confirmed"


def what_counts_as_confirmed_is_at_the_district(box: Box, before: Before) -> None:
    """A confirmed delivery is held there; one that goes under its own UID, with the bytes that were acknowledged.

    That does not hold for an image under a UID that the district had already, once the journal was lost or replaced:
    what is held under that UID counts as it then, uncompared.
    """
    uncompared = box.told.reused if box.told.journal_replaced else set()
    held = box.district.received()
    kept = {hashlib.sha256(path.read_bytes()).digest() for path in (box.folder / "district").iterdir()}
    sent = {one.instance_id: hashlib.sha256(one.content).digest() for one in box.told.acknowledged.values()}
    rows = box.journal.rows(
        "SELECT sop_instance_uid, instance_id, renamed, kind FROM deliveries WHERE state = 'confirmed'"
    )
    for row in rows:
        assert row["sop_instance_uid"] in held, f"{row['sop_instance_uid']} counts as confirmed and is not there"
        if row["kind"] == "original" and not row["renamed"] and row["instance_id"] in sent:
            excused = row["instance_id"] in box.told.pictures | uncompared
            assert excused or sent[row["instance_id"]] in kept, f"{row['instance_id']} is there with other bytes"


def no_file_is_without_row_or_reason(box: Box, before: Before) -> None:
    """Each file of the spool is named by a row; what arrives or is made lies elsewhere, what nobody knows aside."""
    named = {
        row["spool_name"]
        for table in ("instances", "deliveries")
        for row in box.journal.rows(f"SELECT spool_name FROM {table} WHERE spool_name IS NOT NULL")
    }
    assert set(box.spool.names()) <= named, "a file of the spool has no row"
    assert not list(box.spool.incoming.iterdir()), "something is left of what did not arrive"
    assert not box.spool.forgotten_names(), "something is left of what was forgotten"


def no_row_is_without_file_or_reason(box: Box, before: Before) -> None:
    """A row whose file is missing or damaged is one that the disk spoiled: no event of ours does that."""
    for row in box.journal.rows("SELECT id, spool_name, byte_count, file_digest FROM instances"):
        if row["id"] not in box.told.spoiled:
            problem = file_problem(box.spool.path(row["spool_name"]), row["byte_count"], row["file_digest"])
            assert problem is None, f"the file of {row['id']} is {problem}"


def states_move_along_the_allowed_lines(box: Box, before: Before) -> None:
    """Within one journal; one that is made anew or an older copy begins anew."""
    if before.starts != box.starts:
        return
    now = _states(box)
    for known, moves in ((before.instances, INSTANCE_MOVES), (before.deliveries, DELIVERY_MOVES)):
        for one, state in known.items():
            if one in now:
                assert now[one] in moves[state], f"{one} went from {state} to {now[one]}"  # type: ignore[index]


def one_result_of_a_study_is_owed(box: Box, before: Before) -> None:
    """At most one version of a report is still to be sent."""
    rows = box.journal.rows(
        "SELECT study_key, count(*) AS total FROM deliveries WHERE kind = 'report_pdf'"
        " AND state IN ('waiting', 'refused') GROUP BY study_key"
    )
    for row in rows:
        assert row["total"] == 1, f"{row['total']} versions of the report of {row['study_key']} are owed"


def only_what_is_owed_to_nobody_is_forgotten(box: Box, before: Before) -> None:
    """A study goes as a whole, and only when each of its images was read and each of its deliveries has ended."""
    if before.starts != box.starts:
        return
    now = _states(box)
    gone = {study for one, study in before.study_of.items() if one not in now and one in before.instances}
    for one, study in before.study_of.items():
        if study in gone:
            assert one not in now, f"{one} is left of the study {study}"
            state = before.instances.get(one) or before.deliveries[one]
            assert state not in ("received", "waiting", "refused"), f"{one} was forgotten while it was {state}"


def an_exam_keeps_its_number_and_no_other_gets_it(box: Box, before: Before) -> None:
    """Whatever was lost meanwhile, and also after it was forgotten."""
    rows = box.journal.rows(
        "SELECT id, exam_number, iif(study_instance_uid = '', key, study_instance_uid || ' ' || patient_id) AS exam"
        " FROM instances JOIN studies ON key = study_key"
    )
    for row in rows:
        assert row["exam_number"], f"the exam of {row['id']} has no number"
        shown = box.told.number_of.setdefault(row["id"], row["exam_number"])
        assert shown == row["exam_number"], f"{row['id']} was shown as {shown}"
        exam = box.told.exam_of.setdefault(row["exam_number"], row["exam"])
        assert exam == row["exam"], f"{row['exam_number']} was shown for another exam"


def the_counts_are_true(box: Box, before: Before) -> None:
    """What `status` shows is what there is."""
    for what in ("instances", "deliveries"):
        counted = {row[0]: row[1] for row in box.journal.rows(f"SELECT state, COUNT(*) FROM {what} GROUP BY state")}
        kept = box.journal.counts("instances" if what == "instances" else "deliveries")
        assert {state: total for state, total in kept.items() if total} == counted


INVARIANTS: tuple[Callable[[Box, Before], None], ...] = (
    nothing_acknowledged_is_lost,
    what_is_owed_is_owed_once,
    nothing_confirmed_is_sent_again,
    what_counts_as_confirmed_is_at_the_district,
    no_file_is_without_row_or_reason,
    no_row_is_without_file_or_reason,
    states_move_along_the_allowed_lines,
    one_result_of_a_study_is_owed,
    only_what_is_owed_to_nobody_is_forgotten,
    an_exam_keeps_its_number_and_no_other_gets_it,
    the_counts_are_true,
)


def the_journal_from_the_spool_has_the_same_instances(
    known: dict[str, tuple[object, ...]], made_anew: dict[str, tuple[object, ...]], spoiled: set[str]
) -> None:
    """Each instance whose file is whole, with all that identifies it; none that was not there."""
    assert made_anew == {one: row for one, row in known.items() if one not in spoiled}


def identities(box: Box) -> dict[str, tuple[object, ...]]:
    """What identifies each instance, by its id."""
    rows = box.journal.rows(
        "SELECT instances.id, instances.sequence, sop_instance_uid, sop_class_uid, source, instances.received_at,"
        " spool_name, byte_count, file_digest, study_instance_uid, patient_id, issuer"
        " FROM instances JOIN studies ON studies.key = study_key"
    )
    return {row["id"]: tuple(row) for row in rows}


def look(box: Box) -> Before:
    """The journal as it is now, for the next event."""
    study_of = {
        row["id"]: row["study_key"]
        for table in ("instances", "deliveries")
        for row in box.journal.rows(f"SELECT id, study_key FROM {table}")
    }
    instances = {row["id"]: row["state"] for row in box.journal.rows("SELECT id, state FROM instances")}
    deliveries = {row["id"]: row["state"] for row in box.journal.rows("SELECT id, state FROM deliveries")}
    return Before(box.starts, instances, deliveries, study_of)


def _states(box: Box) -> dict[str, InstanceState | DeliveryState]:
    now = look(box)
    return {**now.instances, **now.deliveries}
