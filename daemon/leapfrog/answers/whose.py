"""Whether an answer is about the patient of the exam in whose study it lies.

Some machines give every exam the same Study Instance UID, and a person at the district may file a report in the wrong
study. And a district may know the patient by another number than the clinic: it puts the clinic's name before it, or
gives a number of its own, and coerces what it is sent. So the same number of the same issuer will do, unless the dates
of birth differ; and so will the number under which the district says that it files what this box sent of the exam, if
that is the clinic's number behind the clinic's own name. Any other number will do only if something proves that it is
the same person's, and the dates of birth are known and the same. The same number behind another clinic's name is
another patient's, whatever else the document says.
"""

from dataclasses import dataclass
from typing import Literal

from leapfrog.answers.document import Document, PatientNumber
from leapfrog.filed_number import filed_number
from leapfrog.patient_age import known_birth_date

Whose = Literal["theirs", "another's", "not sure"]
SEPARATORS = ("-", "_", ".", ":", "/", "^", " ")  # between an issuer and a number
PADDING = " \0"


@dataclass(frozen=True)
class ExamPatient:
    """The patient of an exam as this box knows them. `issuer` gave the number: the images say it, else it is the
    station's own; "" if nobody does. `issuers` are all names under which the clinic may be known: the issuer that the
    images give, and the station's own. `birth_dates` are those of its images (DICOM's DA).
    """

    study_instance_uid: str
    number: str
    issuer: str = ""
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
    if not document.patient.number:
        return "not sure"
    if _is_own(document.patient, patient):
        return "theirs"
    return _whose_by_another_number(document, patient, filed_as, is_born_alike=births == {born} and born is not None)


def _whose_by_another_number(
    document: Document, patient: ExamPatient, filed_as: PatientNumber | None, *, is_born_alike: bool
) -> Whose:
    is_filed_number = _is_filed_number(document.patient, patient, filed_as)
    if not patient.number:
        return "theirs" if is_filed_number and is_born_alike else "not sure"
    if is_filed_number:
        return "theirs"
    if not _is_proven(document, patient, filed_as):
        return "another's"
    return "theirs" if is_born_alike else "not sure"


def has_another_number(document: Document, patient: ExamPatient) -> bool:
    """Whether it names the patient by another number than this box does, so that it counts what the district calls
    them.
    """
    return bool(document.patient.number) and not _is_own(document.patient, patient)


def may_be_behind_its_name(document: Document, patient: ExamPatient) -> bool:
    """Whether it would be the patient's if the district files that number behind the clinic's name."""
    return whose(document, patient, document.patient) == "theirs"


def _is_own(given: PatientNumber, patient: ExamPatient) -> bool:
    """Whether it is the clinic's own number: the same digits, and of no other issuer."""
    issuers = {_plain(issuer) for issuer in patient.issuers}
    return _plain(given.number) == _plain(patient.number) and (
        not given.issuer.strip() or not issuers or _plain(given.issuer) in issuers
    )


def _is_filed_number(given: PatientNumber, patient: ExamPatient, filed_as: PatientNumber | None) -> bool:
    """Whether the district files what this box sent of the exam under the clinic's number behind the clinic's name, and
    it is that. Two clinics can be given one such number: 2-17 of KITUI, and 17 of KITUI-2. Then it must say the issuer.
    """
    if filed_as is None or not patient.issuer:
        return False
    filed = filed_number(patient.number, patient.issuer, patient.study_instance_uid)
    issuers = given.issuer.strip(PADDING), filed_as.issuer.strip(PADDING)
    return (
        given.number.strip(PADDING) == filed_as.number.strip(PADDING) == filed
        and all(issuer in ("", patient.issuer) for issuer in issuers)
        and (bool(issuers[0]) or filed.count("-") == 1)
    )


def _is_proven(document: Document, patient: ExamPatient, filed_as: PatientNumber | None) -> bool:
    given, own = _plain(document.patient.number), _plain(patient.number)
    is_behind_a_name = given.endswith(f"-{own}")
    if any(
        _is_own(number, patient) and (number.issuer.strip(PADDING) or not is_behind_a_name)
        for number in document.other_numbers
    ):
        return True
    if filed_as is not None and _plain(filed_as.number) == given:
        return not filed_as.issuer or not document.patient.issuer or filed_as.issuer == document.patient.issuer
    if filed_as is not None and _plain(filed_as.number).endswith(f"-{own}"):
        return False  # to this district the clinic has another name
    prefixes = (_plain(issuer) for issuer in patient.issuers)
    return any(given == f"{prefix}{between}{own}" for prefix in prefixes if prefix for between in SEPARATORS)


def _plain(text: str) -> str:
    return text.strip(PADDING).upper()
