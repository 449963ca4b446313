"""What the box has of one exam, for a copy of it: the answer to the control command `exam_contents`.

Files are named as they are below the state directory; whoever copies them opens them there.
"""

import json
from collections.abc import Sequence

from leapfrog.exam import Frozen, ImageReading, PictureHints, PictureIdentity
from leapfrog.spool_file.checked import FileProblem
from leapfrog.state.answer_files import ENDING
from leapfrog.state.answers import Answers
from leapfrog.state.journal import Journal
from leapfrog.state.records import InstanceState, StudyRecord
from leapfrog.state.studies import Studies

ORIGINALS = (
    "SELECT id, state, reason, sop_class_uid, sop_instance_uid, received_at, spool_name, byte_count, file_digest,"
    " picture, hints, coalesce(forward_as, '') AS forward_as, nullif(file_problem, '') AS file_problem"
    " FROM instances WHERE study_key = ? AND same_as IS NULL ORDER BY sequence"
)


class KeptOriginal(Frozen):
    """An original: the first `byte_count` bytes of the spool file `spool_name`, with the digest `file_digest`, "" where
    that is not known. `forward_as` is its UID where another instance had its own; a `picture` is not DICOM.
    """

    id: str
    state: InstanceState
    reason: str
    sop_class_uid: str
    sop_instance_uid: str
    received_at: str
    spool_name: str
    byte_count: int
    file_digest: str
    picture: PictureIdentity | None
    hints: PictureHints
    forward_as: str
    file_problem: FileProblem | None


class KeptAnswer(Frozen):
    """A document of a radiologist that counts, in the file `name` of the folder of answers."""

    name: str
    sop_class_uid: str
    sop_instance_uid: str
    byte_count: int
    file_digest: str


class ExamContents(Frozen):
    """All that the box has of an exam; `exam_number` is its key as long as it has none. `version` is that of its last
    report, 0 if there is none yet; `changed`: images were read that it does not cover. `other_patient_ids` are patients
    whose images have the same Study Instance UID.
    """

    study_key: str
    exam_number: str
    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    received_at: str
    version: int
    changed: bool
    originals: tuple[KeptOriginal, ...]
    readings: tuple[ImageReading, ...]
    answers: tuple[KeptAnswer, ...]
    other_patient_ids: tuple[str, ...]

    @property
    def unread(self) -> int:
        """How many images wait to be read, so that no report speaks of them yet."""
        return sum(original.state == "received" for original in self.originals)


def contents_of(journal: Journal, study: StudyRecord) -> ExamContents:
    """What the journal knows of `study`."""
    studies = Studies(journal)
    return ExamContents(
        study_key=study.key,
        exam_number=study.exam_number or study.key,
        study_instance_uid=study.identity.study_instance_uid,
        patient_id=study.identity.patient_id,
        issuer_of_patient_id=study.identity.issuer_of_patient_id,
        received_at=study.received_at,
        version=study.version,
        changed=study.changed,
        originals=_originals(journal, study.key),
        readings=tuple(studies.readings(study.key)),
        answers=_answers(journal, study.key),
        other_patient_ids=tuple(other.identity.patient_id for other in studies.sharing_uid(study)),
    )


def _originals(journal: Journal, study_key: str) -> tuple[KeptOriginal, ...]:
    return tuple(
        KeptOriginal.model_validate(
            dict(row)
            | {"picture": json.loads(row["picture"]) if row["picture"] else None, "hints": json.loads(row["hints"])}
        )
        for row in journal.rows(ORIGINALS, (study_key,))
    )


def _answers(journal: Journal, study_key: str) -> tuple[KeptAnswer, ...]:
    """Those that the report shows as what the radiologists say now."""
    counting: Sequence[str] = [one.id for one in Answers(journal).of_exam(study_key).shown if one.counts]
    rows = journal.rows(
        "SELECT id, sop_class_uid, sop_instance_uid, byte_count, file_digest FROM answers"
        " WHERE id IN (SELECT value FROM json_each(?)) ORDER BY sequence",
        (json.dumps(counting),),
    )
    return tuple(
        KeptAnswer(
            name=f"{row['id']}{ENDING}",
            sop_class_uid=row["sop_class_uid"],
            sop_instance_uid=row["sop_instance_uid"],
            byte_count=row["byte_count"],
            file_digest=row["file_digest"],
        )
        for row in rows
    )
