"""What the journal knows of a SOP Instance UID: which instances have it, and whether one that had it was forgotten."""

import sqlite3
from dataclasses import dataclass

from leapfrog.state.forgotten_list import ForgottenList
from leapfrog.state.journal import Journal
from leapfrog.state.spooled_files import SpooledFiles, SpooledInstance

MOST_FORGOTTEN = 500_000  # about 60 MB; modalities ask within days


@dataclass(frozen=True)
class HeldInstance:
    """A DICOM instance that is here. `contested`: it was minted a new UID, because another one had its own or because
    no server could store it under that.
    """

    sop_class_uid: str
    contested: bool
    file: SpooledInstance


@dataclass(frozen=True)
class ForgottenInstance:
    """An instance that the district confirmed, and that was deleted here. `other_content`: something else had its UID
    as well. `on_request`: a person had it forgotten, so nobody knows who keeps it, and its class is "".
    """

    sop_class_uid: str
    other_content: bool
    on_request: bool = False


class KnownInstances:
    """Looks up SOP Instance UIDs. Any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal
        self._files = SpooledFiles(journal)
        self._list = ForgottenList(journal)

    def held(self, sop_instance_uid: str) -> list[HeldInstance]:
        """The instances that came with this UID as DICOM, each content once: several differ, or are not known yet to be
        the same.
        """
        rows = self._journal.rows(
            "SELECT id, sop_class_uid, forward_as IS NOT NULL AS contested FROM instances"
            " WHERE sop_instance_uid = ? AND sop_instance_uid <> '' AND picture IS NULL AND same_as IS NULL",
            (sop_instance_uid,),
        )
        found = [(row, self._files.of_instance(row["id"])) for row in rows]
        return [
            HeldInstance(row["sop_class_uid"], bool(row["contested"]), file) for row, file in found if file is not None
        ]

    def forgotten(self, sop_instance_uid: str) -> ForgottenInstance | None:
        """The instance with this UID that was deleted here and that others may have, or None."""
        row = self._journal.row(
            "SELECT sop_class_uid, other_content FROM forgotten_instances WHERE sop_instance_uid = ?",
            (sop_instance_uid,),
        )
        if self._list.has_uid(sop_instance_uid):
            return ForgottenInstance("", bool(row and row["other_content"]), on_request=True)
        return ForgottenInstance(row["sop_class_uid"], bool(row["other_content"])) if row else None


def remember_confirmed(connection: sqlite3.Connection, study_key: str) -> None:
    """Note those instances of a study that the district confirmed under their own UID, before the rows go; and those
    UIDs under which there was other content, of which nothing can be said. Within the caller's transaction.
    """
    connection.execute(
        "INSERT INTO forgotten_instances (sop_instance_uid, sop_class_uid)"
        " SELECT instances.sop_instance_uid, instances.sop_class_uid FROM instances JOIN deliveries"
        " ON deliveries.instance_id = instances.id AND deliveries.sop_instance_uid = instances.sop_instance_uid"
        " WHERE instances.study_key = ? AND instances.picture IS NULL AND deliveries.kind = 'original'"
        " AND deliveries.state = 'confirmed' ON CONFLICT (sop_instance_uid) DO NOTHING",
        (study_key,),
    )
    connection.execute(
        "INSERT INTO forgotten_instances (sop_instance_uid, sop_class_uid, other_content)"
        " SELECT sop_instance_uid, sop_class_uid, 1 FROM instances WHERE study_key = ? AND picture IS NULL"
        " AND forward_as IS NOT NULL AND same_as IS NULL"
        " ON CONFLICT (sop_instance_uid) DO UPDATE SET other_content = 1",
        (study_key,),
    )
    connection.execute(
        "DELETE FROM forgotten_instances WHERE sequence <="
        " (SELECT seq FROM sqlite_sequence WHERE name = 'forgotten_instances') - ?",
        (MOST_FORGOTTEN,),
    )
