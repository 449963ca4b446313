"""Gives the spool files of an older Leapfrog the record that they lack, and those of an exam that got its number later
that number, once, in the background after a start.

Until a file has its record, its row in the journal is the only thing that says what it is.
"""

from collections.abc import Iterator

from leapfrog.errors import StorageError
from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.spool_file.content import open_content
from leapfrog.spool_file.digest import digest_of
from leapfrog.spool_file.record import Arrival, read_record
from leapfrog.state.arrivals import record_of
from leapfrog.state.facts import Facts
from leapfrog.state.journal import Journal
from leapfrog.state.records import NewInstance, StudyIdentity
from leapfrog.state.records_to_renew import FACT, looked_at
from leapfrog.state.spool import Spool

BATCH = 50


def give_records(journal: Journal, spool: Spool) -> Iterator[None]:
    """Go through the instances that are noted, one step for each. Cut short, the next call goes on."""
    facts = Facts(journal)
    while span := facts.get(FACT):
        first, last = (int(text) for text in span.split())
        rows = journal.rows(
            "SELECT instances.*, study_instance_uid, patient_id, issuer, coalesce(exam_number, '') AS exam_number"
            " FROM instances JOIN studies ON key = study_key"
            " WHERE instances.sequence BETWEEN ? AND ? ORDER BY instances.sequence LIMIT ?",
            (first, last, BATCH),
        )
        for row in rows:
            _give_record(journal, spool, dict(row))
            yield
        looked_at(journal, span, rows[-1]["sequence"] if rows else None)


def _give_record(journal: Journal, spool: Spool, row: dict[str, object]) -> None:
    """A file that is not as long as it was is left as it is: whether it is damaged, others find out."""
    path = spool.path(str(row["spool_name"]))
    try:
        record = read_record(path)
        if record is None and path.stat().st_size == row["byte_count"]:
            _make_record(journal, spool, row)
        elif isinstance(record, Arrival) and record.exam_number != row["exam_number"]:
            spool.rewrite_record(path.name, record.model_copy(update={"exam_number": row["exam_number"]}))
    except FileNotFoundError:
        return
    except (OSError, StorageError):
        if spool.broken:
            raise


def _make_record(journal: Journal, spool: Spool, row: dict[str, object]) -> None:
    name, byte_count = str(row["spool_name"]), int(str(row["byte_count"]))
    with open_content(spool.path(name), byte_count) as stream:
        digest = digest_of(stream)
    spool.rewrite_record(name, record_of(_instance(row, digest)))
    with journal.transaction() as connection:
        connection.execute(
            "UPDATE instances SET file_digest = ? WHERE id = ? AND file_digest = ''", (digest, row["id"])
        )
        connection.execute(
            "UPDATE deliveries SET file_digest = ? WHERE instance_id = ? AND spool_name = ? AND file_digest = ''",
            (digest, row["id"], name),
        )


def _instance(row: dict[str, object], digest: str) -> NewInstance:
    picture = row["picture"]
    return NewInstance(
        id=str(row["id"]),
        spool_name=str(row["spool_name"]),
        byte_count=int(str(row["byte_count"])),
        file_digest=digest,
        arrival=int(str(row["sequence"])),
        received_at=str(row["received_at"]),
        source=str(row["source"]),
        study=StudyIdentity(
            study_instance_uid=str(row["study_instance_uid"]),
            patient_id=str(row["patient_id"]),
            issuer_of_patient_id=str(row["issuer"]),
        ),
        exam_number=str(row["exam_number"]),
        sop_instance_uid=str(row["sop_instance_uid"]),
        sop_class_uid=str(row["sop_class_uid"]),
        forward_as=None if row["forward_as"] is None else str(row["forward_as"]),
        picture=PictureIdentity.model_validate_json(str(picture)) if picture else None,
        hints=PictureHints.model_validate_json(str(row["hints"])),
    )
