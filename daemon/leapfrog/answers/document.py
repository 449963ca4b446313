"""What a document from the district says: a structured report or an encapsulated PDF, after it was examined.

It is a stranger's word throughout. The child that examined it may have been taken over by it, so everything here has
bounds that are checked when it comes from JSON.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from leapfrog.exam import Code, Frozen

MOST_LINES = 1000  # of text; a long report of a person has about a hundred
MOST_TEXT = 400_000  # characters of all lines together: about 130 pages
MOST_CODED = 200  # findings
MOST_PAGES = 8  # of a PDF, that are shown
MOST_PERSONS = 8
MOST_NUMBERS = 20  # of a patient
MOST_REPLACED = 20  # documents that one takes the place of
DEEPEST_LINE = 12  # levels that are set in; what is deeper stands at this one

Short = Annotated[str, StringConstraints(max_length=256)]
Long = Annotated[str, StringConstraints(max_length=20_000)]
Presence = Literal["present", "absent", "unclear"]


class PatientNumber(Frozen):
    """A Patient ID and who issued it, "" if that is not said."""

    number: Short
    issuer: Short = ""


class Person(Frozen):
    """Who wrote or verified a document, and when (DICOM's DT); each but the name may be ""."""

    name: Short
    organisation: Short = ""
    at: Short = ""


class Line(Frozen):
    """A line of a structured report: what it is about, what it says, and how far it is set in."""

    level: Annotated[int, Field(ge=0, le=DEEPEST_LINE)]
    label: Short = ""
    text: Long = ""


class CodedFinding(Frozen):
    """A finding that is named by a code, and whether the document says that it is there."""

    code: Code
    presence: Presence


class Document(Frozen):
    """One document. Dates are DICOM's YYYYMMDD, `written_at` its DT; empty means not given.

    `other_numbers` are those that it gives the patient besides `patient`: other IDs (0010,1002), and what was coerced
    (0400,0561). `verified_by` are Verifying Observers, `persons` others who are said to have written it;
    `device_wrote`: a device is said to have. `scanned`: paper was scanned for it. `replaces` are the SOP Instance UIDs
    of its predecessors. `left_out`: it says more than `lines` hold, or has more pages than are shown.
    """

    kind: Literal["structured_report", "pdf"]
    sop_class_uid: Short
    sop_instance_uid: Short
    study_instance_uid: Short
    patient: PatientNumber
    patient_name: Short = ""
    birth_date: Short = ""
    other_numbers: Annotated[tuple[PatientNumber, ...], Field(max_length=MOST_NUMBERS)] = ()
    title: Short = ""
    title_code: Code | None = None
    template: Short = ""
    manufacturer: Short = ""
    institution: Short = ""
    is_complete: bool = False
    is_preliminary: bool = False
    is_verified: bool = False
    verified_by: Annotated[tuple[Person, ...], Field(max_length=MOST_PERSONS)] = ()
    persons: Annotated[tuple[Person, ...], Field(max_length=MOST_PERSONS)] = ()
    device_wrote: bool = False
    scanned: bool = False
    written_at: Short = ""
    replaces: Annotated[tuple[Short, ...], Field(max_length=MOST_REPLACED)] = ()
    lines: Annotated[tuple[Line, ...], Field(max_length=MOST_LINES)] = ()
    coded: Annotated[tuple[CodedFinding, ...], Field(max_length=MOST_CODED)] = ()
    pages: Annotated[int, Field(ge=0, le=MOST_PAGES)] = 0
    left_out: bool = False

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if self.text_length > MOST_TEXT:
            raise ValueError("there is more text than in any report")
        return self

    @property
    def text_length(self) -> int:
        """The characters of its lines."""
        return sum(len(line.label) + len(line.text) for line in self.lines)
