"""Gestational age from a head circumference."""

import pytest

from leapfrog.reader.assess.outlines.estimates import gestational_age, gestational_age_weeks


@pytest.mark.parametrize(("hc_mm", "weeks"), [(80, 13.43), (175, 20.02), (250, 27.15), (350, 40.72)])
def test_gestational_age_follows_hadlock_1984(hc_mm: float, weeks: float) -> None:
    assert gestational_age_weeks(hc_mm) == pytest.approx(weeks, abs=0.01)


def test_gestational_age_is_an_estimate_with_its_spread() -> None:
    assert gestational_age(175.0).note == (
        "Estimated gestational age from head circumference (Hadlock 1984, 68 to 360 mm): 20 weeks 0 days,"
        " +/- 1 week 3 days (2 SD). An estimate: a scan earlier in pregnancy tells the age more exactly."
    )


def test_the_estimate_has_its_value_with_codes_for_what_it_is_and_how_it_was_made() -> None:
    value = gestational_age(175.0).value
    assert value is not None
    assert (value.value, value.unit) == (20.02, "wk")
    assert (value.code.value, value.method.value) == ("18185-9", "11932-1")
    assert gestational_age(50.0).value is None


@pytest.mark.parametrize(
    ("hc_mm", "beyond"), [(50.0, "smaller"), (67.9, "smaller"), (360.1, "larger"), (400.0, "larger")]
)
def test_a_head_beyond_the_formula_gets_no_age_and_the_reason(hc_mm: float, beyond: str) -> None:
    assert gestational_age_weeks(hc_mm) is None
    assert gestational_age(hc_mm).note == (
        f"No gestational age is estimated: this head is {beyond} than those that the formula (Hadlock 1984) holds for,"
        " from 68 to 360 mm."
    )
