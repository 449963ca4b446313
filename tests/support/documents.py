"""Documents from a district as they are after they were examined."""

from typing import Any

from leapfrog.answers.document import CodedFinding, Document, PatientNumber, Person
from leapfrog.answers.judgement import Judgement
from leapfrog.answers.shown import ShownAnswer
from leapfrog.exam import Code

STUDY = "1.2.826.0.1.3680043.10.1"
GRACE = Person(name="Dr Grace Odhiambo", organisation="County Referral Hospital")


def document(**values: Any) -> Document:
    """A text report in study STUDY on patient 17, born in 1980, that says nothing about who wrote it."""
    return Document(
        **{
            "kind": "structured_report",
            "sop_class_uid": "1.2.840.10008.5.1.4.1.1.88.11",
            "sop_instance_uid": "1.2.3.1",
            "study_instance_uid": STUDY,
            "patient": PatientNumber(number="17"),
            "birth_date": "19800101",
            "title": "Diagnostic Imaging Report",
            "written_at": "20261102083000",
            **values,
        }
    )


def shown(answer_id: str, judgement: Judgement = "verified", **values: Any) -> ShownAnswer:
    """An answer that is shown; `values` are the document's."""
    said = document(**{"sop_instance_uid": f"1.2.3.{answer_id}", **values})
    return ShownAnswer(id=answer_id, document=said, judgement=judgement, received_at="2026-11-02T09:10:00+03:00")


def finding(value: str, presence: Any, scheme: str = "SCT") -> CodedFinding:
    """A finding that a document names by its code."""
    return CodedFinding(code=Code(value=value, scheme=scheme, meaning=""), presence=presence)
