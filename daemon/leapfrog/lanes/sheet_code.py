"""The signed summary that a report's sheet carries in its code. The main process signs; a reader only draws it."""

from collections.abc import Sequence
from functools import partial

from leapfrog.errors import NotASummary
from leapfrog.exam import ImageReading
from leapfrog.lanes.patient_numbers import PatientNumbers
from leapfrog.parts import log_failure
from leapfrog.signed_summary.exam_summary import summary_of
from leapfrog.signed_summary.signing import signed_text
from leapfrog.state.records import StudyRecord
from leapfrog.state.station.station_key import StationKey


def code_for(
    key: StationKey | None,
    study: StudyRecord,
    version: int,
    readings: Sequence[ImageReading],
    numbers: PatientNumbers,
    *,
    shared: bool,
) -> str:
    """The text of the code for `version` of a study's report; "" where the sheet has none: the box has no key, the exam
    no number, more was found than a code has room for, or it could not be made. `shared`: another patient has the same
    study.

    Takes about 50 ms where `numbers` does not know that of the patient yet.
    """
    if key is None or not study.exam_number or not readings:
        return ""
    try:
        summary = summary_of(
            readings,
            exam_number=study.exam_number,
            report_version=version,
            received_at=study.received_at,
            shared=shared,
            hash_number=partial(numbers.hashed, study.key),
        )
        return signed_text(summary, key.public_key, key.sign)
    except NotASummary:
        return ""
    except Exception as problem:  # such as no memory for the hash: a report without its code is better than none
        log_failure(f"The sheet of exam {study.exam_number} has no code", problem)
        return ""
