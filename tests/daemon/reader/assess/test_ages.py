"""A package reads patients of the ages that it was made for, and staff are told why nobody was read."""

from dataclasses import replace
from typing import Any

import pytest

from leapfrog.exam import Identity
from leapfrog.language.sentence import Sentence
from leapfrog.packages.package import SHIPPED_PACKAGES, ModelPackage, load_package
from leapfrog.patient_age import PatientAge, patient_age
from leapfrog.reader.assess.exam_attributes import Exam
from leapfrog.reader.assess.routing import Route, route, route_by_picture
from leapfrog.settings import UnknownAge

CHEST = load_package(SHIPPED_PACKAGES / "chest-findings")
HEAD = load_package(SHIPPED_PACKAGES / "fetal-head")


def of_ages(name: str, ages: dict[str, int] | None, **applies_to: Any) -> ModelPackage:
    """A chest package for these ages; `applies_to` makes another of it."""
    document = CHEST.manifest.model_dump()
    document |= {"name": name, "version": "1.0.0"}
    document["applies_to"] = {**document["applies_to"], "ages_years": ages, **applies_to}
    return replace(CHEST, manifest=type(CHEST.manifest).model_validate(document))


ADULT = of_ages("chest-adult", {"lowest": 15})
CHILD = of_ages("chest-child", {"lowest": 1, "highest": 5})


def film(**identity: Any) -> Exam:
    """A frontal chest film of 3 November 2026."""
    age = patient_age(Identity(**{"study_date": "20261103", **identity}))
    return Exam(modality="CR", body_part="CHEST", view="PA", age=age)


def read_by(exam: Exam, *packages: ModelPackage, unknown_age: UnknownAge = "adult") -> str | None:
    package = route(exam, packages, unknown_age).package
    return package.manifest.name if package else None


def test_the_chest_package_that_ships_is_for_15_years_and_over_and_the_others_name_no_ages() -> None:
    ages = CHEST.manifest.applies_to.ages_years
    assert ages is not None and (ages.lowest, ages.highest) == (15, None)
    assert HEAD.manifest.applies_to.ages_years is None


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        ("000D", None),
        ("364D", None),
        ("011M", None),
        ("012M", "chest-child"),
        ("001Y", "chest-child"),
        ("005Y", "chest-child"),
        ("006Y", None),
        ("014Y", None),
        ("015Y", "chest-adult"),
        ("099Y", "chest-adult"),
    ],
)
def test_each_age_goes_to_the_one_package_that_was_made_for_it(age: str, expected: str | None) -> None:
    exam = film(patient_age=age)
    assert read_by(exam, ADULT, CHILD) == read_by(exam, CHILD, ADULT) == expected


def test_the_day_of_the_fifteenth_birthday_decides() -> None:
    assert read_by(film(birth_date="20111104"), ADULT) is None
    assert read_by(film(birth_date="20111103"), ADULT) == "chest-adult"


def test_a_patient_of_another_age_is_not_read_and_staff_are_told_both_ages() -> None:
    assert route(film(patient_age="007Y"), (ADULT, HEAD), "adult") == Route(
        None, Sentence("chest-adult 1.0.0 was made for people of 15 years and over. This patient is 7 years old.")
    )
    assert route(film(birth_date="20260301"), (ADULT, CHILD), "adult").reason == (
        "chest-adult 1.0.0 was made for people of 15 years and over. chest-child 1.0.0 was made for people of 1 to"
        " 5 years. This patient is 8 months old."
    )


@pytest.mark.parametrize("value", ["", "7Y", "7", "999Y"])
def test_an_unknown_age_is_read_as_an_adults_and_marked(value: str) -> None:
    exam = film(patient_age=value, birth_date="19000101")
    assert route(exam, (CHILD, ADULT), "adult") == Route(ADULT, age_not_given=True)
    assert not route(film(patient_age="040Y"), (CHILD, ADULT), "adult").age_not_given


def test_an_unknown_age_is_never_read_by_a_package_for_children() -> None:
    refused = route(film(), (CHILD,), "adult")
    assert refused.package is None
    assert refused.reason.startswith(
        "chest-child 1.0.0 was made for people of 1 to 5 years. The age of this patient is not given."
    )


def test_a_box_may_leave_patients_of_unknown_age_unread() -> None:
    refused = route(film(), (ADULT, CHILD), "not_assessed")
    assert refused.package is None
    assert "The age of this patient is not given. Enter the date of birth on the machine" in refused.reason
    picture = route(replace(film(), is_picture=True), (ADULT,), "not_assessed")
    assert "Set age_years for its folder" in picture.reason
    assert read_by(film(patient_age="040Y"), ADULT, unknown_age="not_assessed") == "chest-adult"


def test_what_was_set_here_counts_like_an_age() -> None:
    assert route(film(age_set_here=40), (ADULT,), "not_assessed") == Route(ADULT)
    assert read_by(film(age_set_here=7), ADULT, CHILD) is None


@pytest.mark.parametrize(
    ("stated", "birth_date", "expected"),
    [
        ("007Y", "19840217", None),
        ("042Y", "20190101", None),
        ("003Y", "19840217", None),  # each alone would have a package
        ("042Y", "19600217", "chest-adult"),  # apart, but both grown
        ("014Y", "20111001", "chest-adult"),  # within a year: the date of birth counts
        ("015Y", "20111201", None),
    ],
)
def test_an_age_that_contradicts_the_date_of_birth_is_read_only_if_both_are_of_the_package(
    stated: str, birth_date: str, expected: str | None
) -> None:
    exam = film(patient_age=stated, birth_date=birth_date)
    assert read_by(exam, ADULT, CHILD) == read_by(exam, CHILD, ADULT) == expected


def test_a_contradiction_names_both() -> None:
    reason = route(film(patient_age="007Y", birth_date="19840217"), (ADULT,), "adult").reason
    assert reason == (
        "The image gives the patient's age as 7 years, but by the date of birth it is 42 years: one of the two is"
        " wrong. chest-adult 1.0.0 was made for people of 15 years and over. Check whose exam this is."
    )


def test_a_package_that_names_no_ages_reads_everybody() -> None:
    ageless = of_ages("chest-any", None)
    for exam in (film(), film(patient_age="007Y"), film(patient_age="007Y", birth_date="19840217")):
        assert route(exam, (ageless,), "not_assessed") == Route(ageless)


def test_what_else_speaks_against_a_package_is_said_before_the_age() -> None:
    lateral = replace(film(patient_age="007Y"), view="LATERAL")
    assert "lateral view" in route(lateral, (ADULT,), "adult").reason


@pytest.mark.parametrize(
    ("age", "named"),
    [("040Y", "chest-adult"), ("", "chest-adult"), ("003Y", "chest-child"), ("002M", "chest-child")],
    ids=["grown", "unknown", "a child", "of no package's age: the first is named"],
)
def test_what_else_speaks_against_an_image_is_said_in_the_name_of_a_package_for_the_patients_age(
    age: str, named: str
) -> None:
    lateral = replace(film(patient_age=age), view="LATERAL")
    for unknown_age in ("adult", "not_assessed"):
        reason = route(lateral, (CHILD, ADULT), unknown_age).reason
        assert reason == f"This is a lateral view; {named} 1.0.0 reads AP and PA views only."


def test_it_is_said_in_the_name_of_a_package_for_the_body_part_first() -> None:
    hand = of_ages("bone-age", None, body_parts=("HAND",), words={"HAND": "hand"}, views=())
    lateral = replace(film(patient_age="010Y"), view="LATERAL")
    assert route(lateral, (hand, ADULT), "adult").reason.startswith("This is a lateral view; chest-adult")
    foot = replace(film(patient_age="040Y"), body_part="FOOT")
    assert route(foot, (CHILD, ADULT), "adult").reason == (
        'The image says that it shows "FOOT"; chest-adult 1.0.0 is for chest only.'
    )


def test_no_word_of_a_refusal_orders_an_exposure() -> None:
    exams = (film(), film(patient_age="007Y"), film(patient_age="007Y", birth_date="19840217"))
    for exam in exams:
        reason = route(exam, (ADULT,), "not_assessed").reason.lower()
        assert not {"repeat", "again", "retake", "expose"} & set(reason.replace(".", " ").split())


@pytest.mark.parametrize("named", ["chest and knee", ""])
def test_an_unknown_age_is_marked_whatever_decided_that_the_package_reads_it(named: str) -> None:
    """The description names a second part, or the exam names none and the picture decides."""
    knee = of_ages("knee-adult", {"lowest": 15}, body_parts=["KNEE"], words={"KNEE": "knee"})
    for age, not_given in (
        (PatientAge(), True),
        (patient_age(Identity(study_date="20261103", patient_age="040Y")), False),
    ):
        exam = Exam(modality="CR", image_texts=named, age=age)
        choice = route(exam, (ADULT, knee), "adult")
        if choice.contenders:
            choice = route_by_picture(choice, [ADULT], exam)
        assert (choice.package, choice.age_not_given) == (ADULT, not_given)


def test_an_unknown_age_is_marked_where_a_description_names_two_parts_and_one_has_a_package() -> None:
    child_hand = of_ages("hand-child", {"lowest": 1, "highest": 5}, body_parts=["HAND"], words={"HAND": "hand"})
    exam = Exam(modality="CR", image_texts="chest and hand", age=PatientAge())
    assert route(exam, (ADULT, child_hand), "adult") == Route(ADULT, age_not_given=True)
