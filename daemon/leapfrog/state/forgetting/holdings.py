"""All that the box has of an exam, and what others have of it: a person is told before it is forgotten, and after."""

from collections import Counter
from dataclasses import dataclass

from leapfrog.state.forgotten_list import ForgottenImage, place_of, whose_is
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyRecord

# What of an exam is where: `state` as it is told.
AT_DESTINATIONS = (
    "SELECT destination, CASE WHEN state = 'confirmed' THEN 'confirmed'"
    # What only went on a stick counts as sent, so that a link asks for it first; that it is on a stick is told apart.
    " WHEN posted = 1 AND (attempts > 0 OR id NOT IN (SELECT delivery_id FROM exported))"
    " OR id IN (SELECT delivery_id FROM handed_over) THEN 'perhaps'"
    " ELSE 'none' END AS there, state IN ('waiting', 'refused') AS owed, kind, count(*) AS total,"
    " sum(id IN (SELECT delivery_id FROM exported)) AS exported"
    " FROM deliveries WHERE study_key = ? AND kind <> 'print' GROUP BY destination, there, owed, kind"
)


@dataclass(frozen=True)
class AtDestination:
    """What a destination has of an exam: `confirmed` objects; `perhaps`, those that were sent without a clear answer;
    and what is `owed` to it, by kind. `on_sticks`: of what is not confirmed, how much was written on sticks.
    """

    name: str
    confirmed: int
    perhaps: int
    owed: dict[str, int]
    on_sticks: int


@dataclass(frozen=True)
class Holdings:
    """What there is of an exam. `sheets`: how many were printed, or handed to a printer. `folder_files`: files in
    watched folders that it came from.
    """

    study: StudyRecord
    images: tuple[ForgottenImage, ...]
    destinations: tuple[AtDestination, ...]
    sheets: int
    folder_files: tuple[str, ...]

    @property
    def owed(self) -> tuple[AtDestination, ...]:
        """The destinations to which something of it is owed."""
        return tuple(one for one in self.destinations if one.owed)


def holdings_of(journal: Journal, study: StudyRecord) -> Holdings:
    """All that the box has of an exam, and what it sent."""
    rows = journal.rows(
        "SELECT id, sop_instance_uid, instances.file_digest, picture IS NULL AS is_dicom, path,"
        " folder_files.file_digest AS folder_digest FROM instances LEFT JOIN folder_files ON instance_id = id"
        " WHERE study_key = ? ORDER BY sequence",
        (study.key,),
    )
    images = {
        row["id"]: ForgottenImage(
            instance_id=row["id"],
            sop_instance_uid=row["sop_instance_uid"] if row["is_dicom"] else "",
            file_digest=row["file_digest"],
            place=place_of(row["path"], row["file_digest"]) if row["path"] else "",
            whose=whose_is(row["sop_instance_uid"], study.identity) if row["is_dicom"] else "",
        )
        for row in rows
    }
    sheets = journal.count(
        "prints JOIN deliveries ON id = delivery_id WHERE study_key = ? AND handed_at IS NOT NULL", study.key
    )
    return Holdings(
        study=study,
        images=tuple(images.values()),
        destinations=_destinations(journal, study.key),
        sheets=sheets,
        folder_files=tuple(row["path"] for row in rows if row["path"]),
    )


def _destinations(journal: Journal, key: str) -> tuple[AtDestination, ...]:
    rows = journal.rows(AT_DESTINATIONS, (key,))
    found = []
    for name in sorted({row["destination"] for row in rows}):
        there, owed, on_sticks = Counter[str](), Counter[str](), 0
        for row in rows:
            if row["destination"] == name:
                there[row["there"]] += row["total"]
                owed[row["kind"]] += row["total"] if row["owed"] else 0
                on_sticks += row["exported"] if row["there"] != "confirmed" else 0
        found.append(AtDestination(name, there["confirmed"], there["perhaps"], dict(+owed), on_sticks))
    return tuple(found)
