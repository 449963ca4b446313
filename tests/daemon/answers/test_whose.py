"""A report is shown as a patient's only if it is surely theirs, whatever number the district gave them."""

from typing import Any

import pytest

from leapfrog.answers.document import PatientNumber
from leapfrog.answers.whose import ExamPatient, whose
from leapfrog.filed_number import filed_number
from support.documents import STUDY, document

KITUI = frozenset(("KITUI",))
BORN = frozenset(("19800101",))


def number(value: str, issuer: str = "") -> PatientNumber:
    return PatientNumber(number=value, issuer=issuer)


def decide(said: dict[str, Any], filed_as: PatientNumber | None = None, **patient: Any) -> str:
    ours = ExamPatient(**{"study_instance_uid": STUDY, "number": "17", "birth_dates": BORN, **patient})
    return whose(document(**said), ours, filed_as)


def decide_unborn(said: PatientNumber, filed_as: PatientNumber | None, issuer: str = "KITUI", own: str = "17") -> str:
    """Nobody gave a date of birth, and the clinic's numbers are `issuer`'s."""
    patient = {"number": own, "issuer": issuer, "issuers": frozenset((issuer,)), "birth_dates": frozenset()}
    return decide({"patient": said, "birth_date": ""}, filed_as, **patient)


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


@pytest.mark.parametrize("said", [number("KITUI-17", "KITUI"), number("KITUI-17 "), number("KITUI-17", "KITUI ")])
@pytest.mark.parametrize("filed_as", [number("KITUI-17", "KITUI"), number("KITUI-17")])
def test_without_dates_of_birth_it_is_theirs_under_the_number_that_the_district_files_behind_their_clinics_name(
    said: PatientNumber, filed_as: PatientNumber
) -> None:
    assert decide_unborn(said, filed_as) == "theirs"


@pytest.mark.parametrize(
    ("said", "filed_as"),
    [
        (number("MWINGI-17", "MWINGI"), number("KITUI-17", "KITUI")),
        (number("MWINGI-17"), number("KITUI-17", "KITUI")),
        (number("MWINGI-17", "MWINGI"), None),
        (number("KITUI-18", "KITUI"), number("KITUI-17", "KITUI")),
        # This box has the settings of another: the district knows by its certificate that it is not KITUI's.
        (number("KITUI-17", "KITUI"), number("MWINGI-17", "MWINGI")),
        (number("KITUI-17"), number("MWINGI-17", "MWINGI")),
        (number("17", "MWINGI"), number("KITUI-17", "KITUI")),
    ],
)
def test_the_same_number_of_another_clinic_is_anothers(said: PatientNumber, filed_as: PatientNumber | None) -> None:
    assert decide_unborn(said, filed_as) == "another's"


@pytest.mark.parametrize("said", [number("MWINGI-17", "MWINGI"), number("MWINGI-17")])
@pytest.mark.parametrize("issuers", [KITUI, frozenset[str]()])
def test_born_on_the_same_day_number_17_of_another_clinic_is_still_anothers(
    said: PatientNumber, issuers: frozenset[str]
) -> None:
    """What was 17 there before the district coerced it is no proof: every clinic has one."""
    assert decide({"patient": said, "other_numbers": (number("17"),)}, issuers=issuers) == "another's"
    kitui = {"issuer": "KITUI", "issuers": KITUI}
    assert decide({"patient": number("KITUI-17", "KITUI")}, number("MWINGI-17", "MWINGI"), **kitui) == "another's"


@pytest.mark.parametrize(
    ("said", "filed_as", "issuer", "own"),
    [
        (number("KITUI-17", "KITUI"), None, "KITUI", "17"),  # the district did not say how it files
        (number("KITUI-17", "KITUI"), number("17"), "KITUI", "17"),  # it leaves numbers as they are
        (number("KITUI-17"), number("KITUI-17", "KITUI"), "", "17"),  # the box was not told its clinic's name
        (number("KITUI-17", "MOH"), number("KITUI-17"), "KITUI", "17"),
        (number("kitui-17", "kitui"), number("kitui-17", "kitui"), "KITUI", "17"),
        # KITUI's 2-17, or 17 of a clinic that is called KITUI-2?
        (number("KITUI-2-17"), number("KITUI-2-17", "KITUI"), "KITUI", "2-17"),
        (number("KITUI-2-17"), number("KITUI-2-17", "KITUI-2"), "KITUI-2", "17"),
    ],
)
def test_without_dates_of_birth_nobody_can_be_sure_of_less(
    said: PatientNumber, filed_as: PatientNumber | None, issuer: str, own: str
) -> None:
    assert decide_unborn(said, filed_as, issuer, own) == "not sure"


def test_a_name_and_a_number_that_could_be_another_clinics_are_theirs_if_the_issuer_is_said() -> None:
    assert decide_unborn(number("KITUI-2-17", "KITUI"), number("KITUI-2-17", "KITUI"), own="2-17") == "theirs"
    assert decide_unborn(number("KITUI-2-17", "KITUI-2"), number("KITUI-2-17", "KITUI"), own="2-17") != "theirs"


def test_who_has_no_number_needs_the_districts_own_for_them_and_the_date_of_birth() -> None:
    given = number(filed_number("", "KITUI", STUDY), "KITUI")
    nobody = {"number": "", "issuer": "KITUI", "issuers": KITUI}
    assert decide({"patient": given}, given, **nobody) == "theirs"
    assert decide_unborn(given, given, own="") == "not sure"
    other = number(filed_number("", "KITUI", "1.2.3"), "KITUI")
    assert decide({"patient": other}, given, **nobody) == "not sure"
