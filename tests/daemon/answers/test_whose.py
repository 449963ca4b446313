"""A report is shown as a patient's only if it is surely theirs, whatever number the district gave them."""

from typing import Any

import pytest

from leapfrog.answers.document import PatientNumber
from leapfrog.answers.whose import ExamPatient, whose
from support.documents import STUDY, document

KITUI = frozenset(("KITUI",))
BORN = frozenset(("19800101",))


def number(value: str, issuer: str = "") -> PatientNumber:
    return PatientNumber(number=value, issuer=issuer)


def decide(said: dict[str, Any], filed_as: PatientNumber | None = None, **patient: Any) -> str:
    ours = ExamPatient(**{"study_instance_uid": STUDY, "number": "17", "birth_dates": BORN, **patient})
    return whose(document(**said), ours, filed_as)


@pytest.mark.parametrize(
    ("said", "patient"),
    [
        ({}, {}),
        ({"patient": number("17 ")}, {}),
        ({"birth_date": ""}, {}),
        ({"birth_date": "19000101"}, {}),  # stands for "unknown"
        ({}, {"birth_dates": frozenset()}),
        ({"patient": number("17", "kitui")}, {"issuers": KITUI}),
        ({"patient": number("17", "KITUI")}, {}),
        ({"patient": number("KITUI-17")}, {"issuers": KITUI}),
        ({"patient": number("D-9"), "other_numbers": (number("17", "KITUI"),)}, {"issuers": KITUI}),
        ({"patient": number("D-9"), "other_numbers": (number("17"),)}, {}),
    ],
)
def test_it_is_theirs(said: dict[str, Any], patient: dict[str, Any]) -> None:
    assert decide(said, **patient) == "theirs"


@pytest.mark.parametrize(
    ("said", "patient"),
    [
        ({"patient": number("18")}, {}),
        ({"birth_date": "19800102"}, {}),
        ({"study_instance_uid": "1.2.3"}, {}),
        ({"patient": number("17", "DISTRICT")}, {"issuers": KITUI}),  # number 17 of two issuers is not one patient
        ({"patient": number("KITUI-17")}, {}),  # nothing says that this is how this clinic is called
        ({"patient": number("MWINGI-17")}, {"issuers": KITUI}),
        ({"patient": number("KITUI17")}, {"issuers": KITUI}),
        ({"patient": number("D-9"), "other_numbers": (number("17", "MWINGI"),)}, {"issuers": KITUI}),
        ({"patient": number("KITUI-17"), "birth_date": "19800102"}, {"issuers": KITUI}),
        ({}, {"birth_dates": frozenset(("19800101", "19800102"))}),  # its own images disagree
    ],
)
def test_it_is_anothers(said: dict[str, Any], patient: dict[str, Any]) -> None:
    assert decide(said, **patient) == "another's"


@pytest.mark.parametrize(
    ("said", "patient"),
    [
        ({"patient": number("")}, {}),
        ({}, {"number": ""}),
        ({"patient": number("KITUI-17"), "birth_date": ""}, {"issuers": KITUI}),
        ({"patient": number("KITUI-17")}, {"issuers": KITUI, "birth_dates": frozenset()}),
    ],
)
def test_nobody_can_be_sure(said: dict[str, Any], patient: dict[str, Any]) -> None:
    assert decide(said, **patient) == "not sure"


def test_the_number_under_which_the_district_holds_what_this_box_sent_is_the_patients() -> None:
    assert decide({"patient": number("D-9")}, number("D-9")) == "theirs"
    assert decide({"patient": number("D-9", "DISTRICT")}, number("D-9", "DISTRICT")) == "theirs"
    assert decide({"patient": number("D-9", "OTHER")}, number("D-9", "DISTRICT")) == "another's"
    assert decide({"patient": number("D-8")}, number("D-9")) == "another's"
    # A study that was merged with another patient's there: the date of birth shows it.
    assert decide({"patient": number("D-9"), "birth_date": "19610101"}, number("D-9")) == "another's"
    assert decide({"patient": number("D-9"), "birth_date": ""}, number("D-9")) == "not sure"
