"""A patient's age counts only where the image says it clearly: no child becomes an adult by an odd value."""

from datetime import date

import pytest

from leapfrog.exam import Identity
from leapfrog.patient_age import Age, age_at, patient_age, stated_age


def years(**identity: str) -> int | None:
    """The completed years of a patient whose exam was on 3 November 2026."""
    age = patient_age(Identity(**{"study_date": "20261103", **identity})).age  # type: ignore[arg-type]
    return None if age is None else age.years


@pytest.mark.parametrize(
    ("value", "age", "in_years"),
    [
        ("007Y", Age(7, "year"), 7),
        ("018M", Age(18, "month"), 1),
        ("011M", Age(11, "month"), 0),
        ("052W", Age(52, "week"), 0),
        ("053W", Age(53, "week"), 1),
        ("999D", Age(999, "day"), 2),
        ("000D", Age(0, "day"), 0),
        ("000Y", Age(0, "year"), 0),
        ("101Y", Age(101, "year"), 101),
    ],
)
def test_an_age_string_counts_in_its_four_units(value: str, age: Age, in_years: int) -> None:
    stated = stated_age(value)
    assert stated == age
    assert stated is not None and stated.years == in_years


@pytest.mark.parametrize(
    "value",
    [
        "",
        "7",
        "7Y",
        "07Y",
        "0007Y",
        "007",
        "007y",
        "Y007",
        "007 Y",
        "-07Y",
        "7.5Y",
        "\u0660\u0660\u0667Y",
        "007Y\\008Y",
        "adult",
        "999Y",
    ],
)
def test_nothing_else_is_an_age(value: str) -> None:
    assert stated_age(value) is None
    assert years(patient_age=value) is None


@pytest.mark.parametrize(
    ("birth_date", "expected"),
    [
        ("20191103", 7),  # the birthday itself
        ("20191104", 6),  # the day after
        ("2019.11.03", 7),  # the old form
        ("20261103", 0),
        ("19000102", 126),
    ],
)
def test_a_date_of_birth_gives_completed_years(birth_date: str, expected: int) -> None:
    assert years(birth_date=birth_date) == expected


@pytest.mark.parametrize(
    "birth_date",
    [
        "18000101",
        "19000101",
        "1900.01.01",
        "20261104",  # after the exam
        "30000101",
        "18500615",  # nobody is as old
        "00000000",
        "19840230",
        "19841301",
        "1984",
        "198402",
        "19840217\\19900101",
        "17 Feb 1984",
        "19840217-19840301",
    ],
)
def test_a_date_that_stands_for_unknown_or_is_none_does_not_count(birth_date: str) -> None:
    assert years(birth_date=birth_date) is None
    assert years(birth_date=birth_date, patient_age="007Y") == 7, "what the image states then counts by itself"


def test_who_was_born_on_a_leap_day_is_a_year_older_on_the_first_of_march() -> None:
    born = date(2020, 2, 29)
    exams = (date(2026, 2, 28), date(2026, 3, 1), date(2028, 2, 28), date(2028, 2, 29))
    assert [age_at(born, exam).years for exam in exams] == [5, 6, 7, 8]


def test_small_children_are_counted_in_months_and_days() -> None:
    exam = date(2026, 11, 3)
    assert age_at(date(2026, 10, 31), exam) == Age(3, "day")
    assert age_at(date(2026, 9, 4), exam) == Age(60, "day")
    assert age_at(date(2026, 9, 3), exam) == Age(2, "month")
    assert age_at(date(2024, 11, 4), exam) == Age(23, "month")
    assert age_at(date(2024, 11, 3), exam) == Age(2, "year")


def test_without_a_study_date_the_date_of_the_image_counts() -> None:
    assert years(birth_date="20190101", study_date="", image_date="20261103") == 7
    assert years(birth_date="20190101", study_date="20200101", image_date="20261103") == 1
    assert years(birth_date="20190101", study_date="", image_date="") is None


def test_the_date_of_birth_goes_before_what_is_stated_and_both_before_what_was_set_here() -> None:
    both = Identity(birth_date="19840217", patient_age="041Y", study_date="20261103", age_set_here=30)
    assert patient_age(both).age == Age(42, "year")
    assert patient_age(both.model_copy(update={"birth_date": ""})).age == Age(41, "year")
    assert patient_age(both.model_copy(update={"birth_date": "", "patient_age": "41"})).age == Age(30, "year")


@pytest.mark.parametrize(
    ("stated", "birth_date", "contradictory"),
    [
        ("007Y", "19840217", True),
        ("042Y", "19840217", False),
        ("041Y", "19840217", False),  # not yet updated, or rounded
        ("043Y", "19840217", False),
        ("044Y", "19840217", True),
        ("040Y", "19840217", True),
        ("040Y", "19841103", False),  # 42 years to the day: 41 were up a year ago
        ("000D", "20261001", False),
        ("000D", "20250101", True),
        ("018M", "20250501", False),
        ("018M", "20200501", True),
        ("7Y", "19840217", False),
        ("007Y", "19000101", False),
    ],
)
def test_more_than_a_year_between_them_is_a_contradiction(stated: str, birth_date: str, contradictory: bool) -> None:
    identity = Identity(patient_age=stated, birth_date=birth_date, study_date="20261103")
    assert patient_age(identity).is_contradictory is contradictory
