"""Findings in words, for reports and as labels on pictures."""

from leapfrog.exam import Finding, Measurement
from leapfrog.wording.text import clean

UNITS = {"mm2": "mm²"}
WHOLE_FROM = {"mm2": 10.0}  # areas from here on without decimals: no outline is that exact

# A radiograph shows features; pneumonia is a diagnosis that needs the patient as well.
CAREFUL_NAMES = {("SCT", "233604007"): "Features that can be seen in pneumonia"}


def finding_name(finding: Finding) -> str:
    """What a finding is called on a report: never as a diagnosis."""
    return CAREFUL_NAMES.get((finding.code.scheme, finding.code.value), clean(finding.name))


def measured(measurement: Measurement) -> str:
    """A measurement with its value and unit: `Head circumference 175.0 mm`; of several outlines each one's value."""
    *others, last = [number(value, measurement.unit) for value in measurement.parts or (measurement.value,)]
    values = f"{', '.join(others)} and {last}" if others else last
    return f"{clean(measurement.name)} {values} {unit(measurement.unit)}"


def number(value: float, ucum: str) -> str:
    """A measured value in this unit, with as many digits as mean something."""
    return f"{value:.0f}" if value >= WHOLE_FROM.get(ucum, float("inf")) else f"{value:.1f}"


def unit(ucum: str) -> str:
    """A unit as people write it: UCUM's `mm2` is `mm²`."""
    return UNITS.get(ucum, clean(ucum))
