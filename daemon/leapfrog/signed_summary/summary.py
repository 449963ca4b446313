"""The summary of an exam that a sheet carries in its code, so that the next clinic can trust the paper.

It names no patient. What it says of the patient's number can be compared with a number, not read.
"""

from typing import Literal

from leapfrog.exam import Frozen

# What came of a finding: by which threshold it was flagged, or how it was drawn. The most important first.
Grade = Literal["URGENT", "FLAGGED", "MEASURED", "OUTLINED", "HATCHED", "NOT FLAGGED", "NOT OUTLINED"]
GRADES: tuple[Grade, ...] = ("URGENT", "FLAGGED", "MEASURED", "OUTLINED", "HATCHED", "NOT FLAGGED", "NOT OUTLINED")

# What must be known before anything of it is believed: it is of an exam that a program made up, of a model that is a
# demonstration, read as an adult's because the age is not given, of images that may be of several people, and of images
# some or all of which were not assessed.
Note = Literal["PHANTOM", "DEMO", "AGE NOT GIVEN", "CHECK WHOSE", "PARTLY NOT ASSESSED", "NOT ASSESSED"]
NOTES: tuple[Note, ...] = ("PHANTOM", "CHECK WHOSE", "AGE NOT GIVEN", "NOT ASSESSED", "PARTLY NOT ASSESSED", "DEMO")


class GradedFinding(Frozen):
    """What a model said of one finding, on whichever image it was most important. `name` is in capitals; one that was
    measured has its value and unit behind it.
    """

    grade: Grade
    name: str


class ModelSummary(Frozen):
    """A model by name and version, in capitals, and what it said."""

    model: str
    findings: tuple[GradedFinding, ...]


class HashedNumber(Frozen):
    """A patient's number, hashed with a salt (`patient_number.py`)."""

    salt: bytes
    digest: bytes


class Summary(Frozen):
    """A whole summary. `date` is that of the exam, YYYY-MM-DD, or if `date_received` the day on which it came.
    `left_out` is how many findings there was no room for, none of them flagged. `number` is None where the exam came
    without a patient's number.
    """

    exam_number: str
    report_version: int
    date: str
    date_received: bool = False
    notes: tuple[Note, ...] = ()
    models: tuple[ModelSummary, ...] = ()
    left_out: int = 0
    number: HashedNumber | None = None
