"""What a report says, in red, where it is not sure whose exam it is."""

from collections.abc import Iterable, Sequence

from leapfrog.exam import ImageReading
from leapfrog.wording.text import date, person_name


def conflicts(readings: Sequence[ImageReading], other_patient_ids: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each other patient under the same Study Instance UID, and for each thing that the images disagree
    about.
    """
    found = [
        "The same study number was also received for another patient"
        f" (patient ID {patient_id or 'not given'}). Check whose images these are."
        for patient_id in other_patient_ids
    ]
    for what, values in (
        ("patient name", {person_name(reading.identity.patient_name) for reading in readings}),
        ("date of birth", {date(reading.identity.birth_date) for reading in readings}),
    ):
        if len(given := sorted(values - {""})) > 1:
            found.append(f"The images of this study disagree about the {what}: {'; '.join(given)}.")
    return tuple(found)
