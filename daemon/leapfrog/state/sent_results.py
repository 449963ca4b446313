"""Which results of a study were sent, or may have been, to any destination: a newer version names what it replaces.

An archive keeps what it was sent, and tells nobody which of two is current. So a result that was never sent anywhere is
superseded by a newer version, and goes nowhere; of all others, the newest of each kind at each destination is what the
next one replaces: where a version never arrived, the one before it is still current.
"""

import json
import sqlite3
from dataclasses import dataclass

from leapfrog.state.journal import Journal, now_text
from leapfrog.state.records import DELIVERED_AS, DeliveryKind

# Made of a study's report, version by version. A preview is a copy of an image, of which there are no versions.
RESULT_KINDS: tuple[DeliveryKind, ...] = ("structured_report", "report_pdf", "segmentation", "overlay")
_KINDS = json.dumps(RESULT_KINDS)
OF_STUDY = "study_key = ?1 AND kind IN (SELECT value FROM json_each(?2))"
# Confirmed, or begun without a clear answer, or given up for a newer version after that.
MAYBE_SENT = "(state = 'confirmed' OR posted = 1)"


@dataclass(frozen=True)
class SentResult:
    """An object that a destination was sent, or may have been."""

    kind: DeliveryKind
    sop_class_uid: str
    sop_instance_uid: str
    spool_name: str


class SentResults:
    """What of reports was sent. Every method is one transaction; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal

    def newest(self, study_key: str) -> tuple[SentResult, ...]:
        """The newest object of each kind that each destination was sent, or may have been."""
        return tuple(SentResult(**dict(row)) for row in self._journal.rows(NEWEST, (study_key, _KINDS)))

    def destinations(self, study_key: str) -> frozenset[str]:
        """The destinations that were sent any result of the study, or may have been."""
        query = f"SELECT DISTINCT destination FROM deliveries WHERE {OF_STUDY} AND {MAYBE_SENT}"
        return frozenset(row["destination"] for row in self._journal.rows(query, (study_key, _KINDS)))

    def previews(self, study_key: str) -> tuple[str, ...]:
        """The SOP Instance UIDs of the previews of the study, sent or not."""
        rows = self._journal.rows(
            "SELECT DISTINCT sop_instance_uid FROM deliveries WHERE study_key = ? AND kind = ?",
            (study_key, DELIVERED_AS["preview"]),
        )
        return tuple(row["sop_instance_uid"] for row in rows)


NEWEST = (
    "SELECT kind, sop_class_uid, sop_instance_uid, max(spool_name) AS spool_name FROM (SELECT kind, sop_class_uid,"
    " sop_instance_uid, coalesce(spool_name, '') AS spool_name, max(sequence) AS place FROM deliveries"
    f" WHERE {OF_STUDY} AND {MAYBE_SENT} GROUP BY kind, destination) GROUP BY sop_instance_uid ORDER BY kind, place"
)


def newest_sent(connection: sqlite3.Connection, study_key: str) -> frozenset[str]:
    """The UIDs of `SentResults.newest`, within the caller's transaction."""
    return frozenset(row["sop_instance_uid"] for row in connection.execute(NEWEST, (study_key, _KINDS)))


def supersede(connection: sqlite3.Connection, study_key: str) -> tuple[str, ...]:
    """Within the caller's transaction: give up all results of the study that are owed now, since newer ones will be.
    Returns the spool files of those that no destination was sent or may have been, which nobody needs any more.
    """
    owed = f"{OF_STUDY} AND state IN ('waiting', 'refused')"
    names = [
        row["spool_name"]
        for row in connection.execute(
            f"SELECT DISTINCT spool_name FROM deliveries AS one WHERE {owed} AND spool_name IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE sop_instance_uid = one.sop_instance_uid"
            f" AND study_key = ?1 AND {MAYBE_SENT})",
            (study_key, _KINDS),
        )
    ]
    connection.execute(
        f"UPDATE deliveries SET state = 'superseded', last_error = '', ended_at = ?3 WHERE {owed}",
        (study_key, _KINDS, now_text()),
    )
    connection.execute(
        "UPDATE deliveries SET spool_name = NULL WHERE study_key = ? AND state = 'superseded'"
        " AND spool_name IN (SELECT value FROM json_each(?))",
        (study_key, json.dumps(names)),
    )
    return tuple(names)
