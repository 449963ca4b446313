"""The earlier exams of a patient that are on this box.

Two exams are of one person only where both the number and the date of birth are the same: a number alone is given
twice in many hospitals. One that stands for "unknown" is nobody's, however many exams have it.
"""

import re
from collections.abc import Iterable
from datetime import date

from leapfrog.exam import ImageReading
from leapfrog.patient_age import dicom_date, known_birth_date
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyRecord
from leapfrog.state.studies import Studies

MOST_SHOWN = 5
MOST_LOOKED_AT = 50  # studies with the same number: what everybody shares is a placeholder that nobody thought of here
COUNTED_UP = "0123456789"


class EarlierExams:
    """Finds them in the journal."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal
        self._studies = Studies(journal)

    def of(self, study: StudyRecord, readings: tuple[ImageReading, ...]) -> list[StudyRecord]:
        """The newest MOST_SHOWN of those that came before `study`, whose `readings` these are, and have a report that
        staff can open: by the day of the exam, and none that is of a later one. None where the number or the date of
        birth is not known, or its images disagree on it.
        """
        birth = _birth_date(reading.identity.birth_date for reading in readings)
        if birth is None or not is_somebodys(study.identity.patient_id):
            return []
        latest = _taken(reading.identity.study_date for reading in readings) or study.received_date
        found: list[tuple[str, StudyRecord]] = []
        for key in self._with_number(study):
            birth_dates, study_dates = self._dates(key)
            if _birth_date(birth_dates) == birth and (other := self._studies.find(key)) is not None:
                found.append((_taken(study_dates) or other.received_date, other))
        earlier = [one for one in found if one[0] <= latest]
        # Of one day, those that arrived last come first, as they were found.
        return [other for _, other in sorted(earlier, key=lambda one: one[0], reverse=True)[:MOST_SHOWN]]

    def _with_number(self, study: StudyRecord) -> list[str]:
        """The keys of published studies with the same number that came before, the newest first. The index has all that
        is needed to find them: rows hold a whole line of the worklist each.
        """
        rows = self._journal.rows(
            "SELECT key FROM studies WHERE sequence IN (SELECT sequence FROM studies INDEXED BY studies_by_identity"
            " WHERE study_instance_uid <> '' AND patient_id = ?1 AND issuer = ?2)"
            " AND sequence < (SELECT sequence FROM studies WHERE key = ?3) AND published_version > 0"
            " ORDER BY sequence DESC LIMIT ?4",
            (study.identity.patient_id, study.identity.issuer_of_patient_id, study.key, MOST_LOOKED_AT),
        )
        return [row["key"] for row in rows]

    def _dates(self, key: str) -> tuple[list[str], list[str]]:
        """Every date of birth and every day of the exam that its images give."""
        rows = self._journal.rows(
            "SELECT DISTINCT json_extract(reading, '$.identity.birth_date') AS birth_date,"
            " json_extract(reading, '$.identity.study_date') AS study_date FROM instances"
            " WHERE study_key = ? AND reading IS NOT NULL",
            (key,),
        )
        return [row["birth_date"] or "" for row in rows], [row["study_date"] or "" for row in rows]


def is_somebodys(patient_id: str) -> bool:
    """Whether a Patient ID (0010,0020) names a person. Machines that must have one are given a word, one digit again
    and again, or digits counted up from 0 or 1.
    """
    letters = re.sub(r"[\W_]", "", patient_id).upper()
    digits = re.sub(r"\D", "", letters)
    if len(set(digits)) < 2:
        return False
    return not (digits == letters and (COUNTED_UP.startswith(digits) or COUNTED_UP[1:].startswith(digits)))


def _taken(values: Iterable[str]) -> str:
    """The latest day that `values` name, as YYYY-MM-DD; "" if they name none."""
    return max((day.isoformat() for value in values if (day := dicom_date(value)) is not None), default="")


def _birth_date(values: Iterable[str]) -> date | None:
    """The date that all `values` name which name one; None where they differ, or it stands for an unknown one."""
    given = {value for value in values if value}
    known = {known_birth_date(value) for value in given}
    return known.pop() if len(known) == 1 else None
