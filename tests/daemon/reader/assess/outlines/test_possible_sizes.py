"""A size that the thing measured cannot have is not reported."""

import pytest

from leapfrog.exam import Code
from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.measurement_rule import MeasurementRule
from leapfrog.reader.assess.outlines.possible_sizes import why_impossible

HEAD = FindingRule(name="Fetal head", code=Code(value="1", scheme="99TEST", meaning="Head"), threshold=0.5)
NERVE = FindingRule(name="Nerve", code=Code(value="91728009", scheme="SCT", meaning="Nerve"), threshold=0.5)
CIRCUMFERENCE = MeasurementRule(
    name="Head circumference", code=Code(value="11984-2", scheme="LN", meaning="Head circumference")
)
AREA = MeasurementRule(
    name="Nerve area", code=Code(value="42798000", scheme="SCT", meaning="Area"), kind="area", unit="mm2"
)


@pytest.mark.parametrize("value", [44.0, 75.0, 350.0, 450.0])
def test_every_head_that_there_is_can_be(value: float) -> None:
    assert why_impossible(CIRCUMFERENCE, HEAD, value) == ""


@pytest.mark.parametrize("value", [7.5, 29.8, 680.0, 755.6, 2000.0])
def test_a_head_by_a_scale_ten_times_wrong_cannot_be(value: float) -> None:
    reason = why_impossible(CIRCUMFERENCE, HEAD, value)
    assert f"the head circumference would be {value:,.1f} mm, which cannot be." in reason


def test_what_a_general_measurement_may_be_is_decided_by_the_thing() -> None:
    assert why_impossible(AREA, NERVE, 90.0) == ""
    assert "9,000.0 mm², which cannot be" in why_impossible(AREA, NERVE, 9000.0)
    assert why_impossible(AREA, HEAD, 9000.0) == ""
