"""Rows for a journal under test: new instances, readings, and a journal as full as after years."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from leapfrog.exam import Identity, ImageHeader, ImageReading
from leapfrog.language.sentence import Sentence
from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.records import (
    CommittedReading,
    CommittedReport,
    DeliveryKind,
    InstanceState,
    NewDelivery,
    NewInstance,
    StudyIdentity,
)
from leapfrog.state.sent_results import SentResults
from leapfrog.state.studies import Studies
from leapfrog.wording.report_words import WorklistRow

OLD_ROW = WorklistRow(
    patient=Sentence("Okello, Grace"),
    patient_id=Sentence("KIT-1"),
    exam=Sentence("CR CHEST"),
    received=Sentence("2026-01-01 00:00"),
    kind="nothing_flagged",
    headline=Sentence("Nothing flagged"),
    images=Sentence("1 image"),
)


def new_instance(**values: Any) -> NewInstance:
    """An instance that is owed and has UIDs of its own; `values` replace what it says."""
    instance_id = new_id()
    defaults: dict[str, Any] = {
        "id": instance_id,
        "spool_name": f"{instance_id}.dcm",
        "byte_count": 1000,
        "source": "MODALITY",
        "study": StudyIdentity(study_instance_uid=f"1.2.{instance_id}", patient_id="P1"),
        "sop_instance_uid": f"1.2.3.{int(instance_id, 16)}",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.1",
    }
    owed = values.pop("owed", True)
    return NewInstance(**{"owed_to": (DISTRICT,) if owed else (), **defaults, **values})


def reading_of(instance_id: str, reason: str = "") -> ImageReading:
    """A reading that says nothing but whose it is."""
    return ImageReading(
        instance_id=instance_id,
        sop_instance_uid="1.2.3",
        source="MODALITY",
        identity=Identity(),
        header=ImageHeader(),
        outcome="not_assessed",
        reason=Sentence(reason),
    )


def commit(journal: Journal, instance_id: str, state: Any = "read", **values: Any) -> None:
    """Commit a reading of an instance."""
    Instances(journal).commit_reading(
        CommittedReading(instance_id=instance_id, state=state, **{"reading": reading_of(instance_id), **values})
    )


def bring_to(journal: Journal, instance_id: str, state: InstanceState) -> None:
    """Bring a received instance to a state, on the way that the daemon takes."""
    if state != "received":
        commit(journal, instance_id, state)


def reopened(journal: Journal, tmp_path: Path) -> Journal:
    """The journal after a restart; it lies in `tmp_path`."""
    journal.close()
    return Journal(tmp_path / "journal.sqlite")


def original_delivery(journal: Journal, instance_id: str) -> sqlite3.Row:
    """The one row that owes an instance's original."""
    (row,) = journal.rows("SELECT * FROM deliveries WHERE instance_id = ? AND kind = 'original'", (instance_id,))
    return row


def new_delivery(kind: DeliveryKind = "report_pdf", *, to: Sequence[str] = (DISTRICT,)) -> NewDelivery:
    """Something owed, with UIDs of its own."""
    name = new_id()
    return NewDelivery(
        destinations=tuple(to),
        id=name,
        kind=kind,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.104.1",
        sop_instance_uid=f"1.2.4.{int(name, 16)}",
        spool_name=f"{name}.dcm",
        byte_count=5,
    )


def report(
    journal: Journal,
    study_key: str,
    version: int,
    *,
    closing: bool = True,
    urgent: bool = False,
    to: Sequence[str] = (DISTRICT,),
) -> bool:
    """Commit a version of a study's report, with a PDF that is owed `to` some or to nobody. Returns whether it is the
    newest.
    """
    (row,) = journal.rows("SELECT changes FROM studies WHERE key = ?", (study_key,))
    superseded = Studies(journal).commit_report(
        CommittedReport(
            study_key=study_key,
            version=version,
            changes=row["changes"],
            closing=closing,
            worklist_row="{}",
            urgent=urgent,
            deliveries=(new_delivery(to=to),) if to else (),
            is_sent=bool(to),
            replaces=frozenset(one.sop_instance_uid for one in SentResults(journal).newest(study_key)),
        )
    )
    return superseded is not None


def fill(journal: Journal, count: int) -> None:
    """`count` old studies of one instance each: read, reported and confirmed, but for a few of every other fate."""
    with journal.transaction() as connection:
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        connection.execute(
            f"{numbers} INSERT INTO studies (key, study_instance_uid, patient_id, issuer, received_at, received_date,"
            " state, version, published_version, changes, reported_changes, worklist_row)"
            " SELECT 'study' || i, '1.9.' || i, 'P' || i, '', '2026-01-01T00:00:00+00:00', '2026-01-01', 'quiet',"
            " 1, 1, 1, 1, ? FROM n",
            (OLD_ROW.model_dump_json(),),
        )
        connection.execute(
            f"{numbers} INSERT INTO instances (id, study_key, state, sop_instance_uid, sop_class_uid, source,"
            " received_at, spool_name, byte_count, reading)"
            " SELECT 'old' || i, 'study' || i,"
            " iif(i <= 3, 'set_aside', iif(i <= 20, 'forward_only', 'read')),"
            " '1.9.9.' || i, '1.2.840.10008.5.1.4.1.1.1', 'MODALITY', '2026-01-01T00:00:00+00:00',"
            " 'old' || i || '.dcm', 1000, ? FROM n",
            (reading_of("old").model_dump_json(),),
        )
        connection.execute(
            f"{numbers} INSERT INTO deliveries (id, kind, study_key, instance_id, state, sop_class_uid,"
            " sop_instance_uid, spool_name, byte_count, created_at, ended_at)"
            " SELECT 'owed' || i, 'original', 'study' || i, 'old' || i, iif(i <= 20, 'refused', 'confirmed'),"
            " '1.2.840.10008.5.1.4.1.1.1', '1.9.9.' || i, 'old' || i || '.dcm', 1000,"
            " '2026-01-01T00:00:00+00:00', '2026-01-02T00:00:00+00:00' FROM n"
        )


def fill_with_open_studies(journal: Journal, count: int) -> None:
    """`count` studies that wait: each has one unread image. Half of them share a Study Instance UID, as with a machine
    that gives every patient the same.
    """
    with journal.transaction() as connection:
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        connection.execute(
            f"{numbers} INSERT INTO studies (key, study_instance_uid, patient_id, issuer, received_at, received_date)"
            " SELECT 'open' || i, iif(i % 2, '1.8', '1.8.' || i), 'Q' || i, '', '2026-01-03T00:00:00+00:00',"
            " '2026-01-03' FROM n"
        )
        connection.execute(
            f"{numbers} INSERT INTO instances (id, study_key, sop_instance_uid, sop_class_uid, source, received_at,"
            " spool_name, byte_count) SELECT 'unread' || i, 'open' || i, '1.8.9.' || i, '1.2.840.10008.5.1.4.1.1.1',"
            " 'MODALITY', '2026-01-03T00:00:00+00:00', 'unread' || i || '.dcm', 1000 FROM n"
        )
