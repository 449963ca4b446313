"""Whether an answer is about the patient of the exam in whose study it lies.

Some machines give every exam the same Study Instance UID, and a person at the district may file a report in the wrong
study. And a district may know the patient by another number than the clinic: it puts the clinic's name before it, or
gives a number of its own, and coerces what it is sent. So the same number of the same issuer will do, unless the dates
of birth differ; another number will do only if something proves that it is the same person's, and the dates of birth
are known and the same.
"""

from dataclasses import dataclass
from typing import Literal

from leapfrog.answers.document import Document, PatientNumber
from leapfrog.patient_age import known_birth_date

Whose = Literal["theirs", "another's", "not sure"]
SEPARATORS = ("-", "_", ".", ":", "/", "^", " ")  # between an issuer and a number


@dataclass(frozen=True)
class ExamPatient:
    """The patient of an exam as this box knows them. `issuers` are all names under which the clinic may be known: the
    issuer that the images give, and the station's own. `birth_dates` are those of its images (DICOM's DA).
    """

    study_instance_uid: str
    number: str
    issuers: frozenset[str] = frozenset()
    birth_dates: frozenset[str] = frozenset()


def whose(document: Document, patient: ExamPatient, filed_as: PatientNumber | None = None) -> Whose:
    """Whose `document` is. `filed_as` is the number under which the district holds what this box sent of this exam;
    None where it was not asked.
    """
    if document.study_instance_uid != patient.study_instance_uid:
        return "another's"
    births = {known_birth_date(value) for value in patient.birth_dates} - {None}
    born = known_birth_date(document.birth_date)
    if born is not None and births and births != {born}:
        return "another's"
    if not document.patient.number or not patient.number:
        return "not sure"
    if _is_own(document.patient, patient):
        return "theirs"
    if not _is_proven(document, patient, filed_as):
        return "another's"
    return "theirs" if born is not None and births == {born} else "not sure"


def has_another_number(document: Document, patient: ExamPatient) -> bool:
    """Whether it names the patient by another number than this box does, so that it counts what the district calls
    them.
    """
    return bool(document.patient.number) and not _is_own(document.patient, patient)


def _is_own(given: PatientNumber, patient: ExamPatient) -> bool:
    """Whether it is the clinic's own number: the same digits, and of no other issuer."""
    issuers = {_plain(issuer) for issuer in patient.issuers}
    return _plain(given.number) == _plain(patient.number) and (
        not given.issuer.strip() or not issuers or _plain(given.issuer) in issuers
    )


def _is_proven(document: Document, patient: ExamPatient, filed_as: PatientNumber | None) -> bool:
    if any(_is_own(number, patient) for number in document.other_numbers):
        return True
    if filed_as is not None and _plain(filed_as.number) == _plain(document.patient.number):
        return not filed_as.issuer or not document.patient.issuer or filed_as.issuer == document.patient.issuer
    given, own = _plain(document.patient.number), _plain(patient.number)
    prefixes = (_plain(issuer) for issuer in patient.issuers)
    return any(given == f"{prefix}{between}{own}" for prefix in prefixes if prefix for between in SEPARATORS)


def _plain(text: str) -> str:
    return text.strip(" \0").upper()
