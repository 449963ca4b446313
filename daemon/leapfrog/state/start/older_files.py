"""Gives the spool files of an older Leapfrog the record that they lack, once, in the background after an upgrade.

Until a file has one, its row in the journal is the only thing that says what it is.
"""

from collections.abc import Iterator

from leapfrog.errors import StorageError
from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.spool_file.content import open_content
from leapfrog.spool_file.digest import digest_of
from leapfrog.spool_file.record import read_record
from leapfrog.state.arrivals import record_of
from leapfrog.state.facts import Facts
from leapfrog.state.journal import Journal
from leapfrog.state.records import NewInstance, StudyIdentity
from leapfrog.state.spool import Spool

FACT = "older_files"  # "FROM TO": the sequences of the instances to look at; the upgrade sets it
BATCH = 50


def give_records(journal: Journal, spool: Spool) -> Iterator[None]:
    """Go through the instances that were there at the upgrade, one step for each. Cut short, the next call goes on."""
    facts = Facts(journal)
    while span := facts.get(FACT):
        first, last = (int(text) for text in span.split())
        rows = journal.rows(
            "SELECT instances.*, study_instance_uid, patient_id, issuer FROM instances JOIN studies ON key = study_key"
            " WHERE instances.sequence BETWEEN ? AND ? ORDER BY instances.sequence LIMIT ?",
            (first, last, BATCH),
        )
        for row in rows:
            _give_record(journal, spool, dict(row))
            yield
        if not rows:
            journal.change("DELETE FROM facts WHERE name = ?", FACT)
            return
        facts.put(FACT, f"{rows[-1]['sequence'] + 1} {last}")


def _give_record(journal: Journal, spool: Spool, row: dict[str, object]) -> None:
    """A file that is not as long as it was is left as it is: whether it is damaged, others find out."""
    name, byte_count = str(row["spool_name"]), int(str(row["byte_count"]))
    path = spool.path(name)
    try:
        if path.stat().st_size != byte_count or read_record(path) is not None:
            return
        with open_content(path, byte_count) as stream:
            digest = digest_of(stream)
        spool.rewrite_record(name, record_of(_instance(row, digest)))
    except FileNotFoundError:
        return
    except (OSError, StorageError):
        if spool.broken:
            raise
        return
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
        sop_instance_uid=str(row["sop_instance_uid"]),
        sop_class_uid=str(row["sop_class_uid"]),
        forward_as=None if row["forward_as"] is None else str(row["forward_as"]),
        picture=PictureIdentity.model_validate_json(str(picture)) if picture else None,
        hints=PictureHints.model_validate_json(str(row["hints"])),
    )
