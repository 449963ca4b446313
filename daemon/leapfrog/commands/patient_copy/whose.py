"""Whose exam is copied, as the directory of the medium names it, and whether its images name several patients."""

from collections.abc import Sequence
from datetime import datetime

from leapfrog.control.exam_contents import ExamContents
from leapfrog.dicom.uids import uid_of
from leapfrog.exam import Identity, ImageReading, whose_exam
from leapfrog.wording.text import date, person_name

LONGEST_ID, LONGEST_STUDY_ID = 64, 16  # characters (LO, SH)


def identity_of(contents: ExamContents) -> Identity:
    """The patient and the exam, with what a directory must have and the images lack: then the exam's number stands for
    that of the patient or the study, and the day on which it came for that on which it was made.
    """
    said = whose_exam(contents.readings)
    patient_id = contents.patient_id or said.patient_id
    return said.model_copy(
        update={
            "patient_id": patient_id if 0 < len(patient_id) <= LONGEST_ID else contents.exam_number,
            "study_instance_uid": contents.study_instance_uid or _study_uid(contents, said),
            "study_id": said.study_id if 0 < len(said.study_id) <= LONGEST_STUDY_ID else contents.exam_number,
            "study_date": next(filter(_is_day, (said.study_date, said.image_date)), "") or _day(contents.received_at),
        }
    )


def _study_uid(contents: ExamContents, said: Identity) -> str:
    made = next((one.picture.study_instance_uid for one in contents.originals if one.picture), "")
    return made or said.study_instance_uid or uid_of(contents.study_key)


def _is_day(value: str) -> bool:
    try:
        return len(value) == 8 and datetime.strptime(value, "%Y%m%d") is not None
    except ValueError:
        return False


def _day(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y%m%d")


def patients_named(readings: Sequence[ImageReading]) -> tuple[str, ...]:
    """The patients that the images name, each by name and date of birth, if these differ as the report has it; () where
    they do not.
    """
    identities = [reading.identity for reading in readings]
    names = {person_name(one.patient_name) for one in identities} - {""}
    births = {str(date(one.birth_date)) for one in identities} - {""}
    if len(names) < 2 and len(births) < 2:
        return ()
    given = (f"{person_name(one.patient_name) or '-'}, {date(one.birth_date) or '-'}" for one in identities)
    return tuple(dict.fromkeys(given))
