"""Findings in words, for reports and as labels on pictures."""

from leapfrog.exam import Finding, Measurement
from leapfrog.language.listing import all_of
from leapfrog.language.sentence import Sentence, sentence
from leapfrog.language.sentence import number as numeral
from leapfrog.wording.text import clean, from_package

UNITS = {"mm2": "mm²"}
WHOLE_FROM = {"mm2": 10.0}  # areas from here on without decimals: no outline is that exact

# A radiograph shows features; pneumonia is a diagnosis that needs the patient as well.
CAREFUL_NAMES = {("SCT", "233604007"): sentence("Features that can be seen in pneumonia")}


MEASURED = sentence("{name} {value} {unit}")


def finding_name(finding: Finding) -> Sentence:
    """What a finding is called on a report: never as a diagnosis."""
    return CAREFUL_NAMES.get((finding.code.scheme, finding.code.value)) or from_package(finding.name)


def measured(measurement: Measurement) -> Sentence:
    """A measurement with its value and unit: `Head circumference 175.0 mm`; of several outlines each one's value."""
    values = all_of(number(value, measurement.unit) for value in measurement.parts or (measurement.value,))
    return MEASURED.format(name=from_package(measurement.name), value=values, unit=unit(measurement.unit))


def number(value: float, ucum: str) -> Sentence:
    """A measured value in this unit, with as many digits as mean something."""
    return numeral(f"{value:.0f}" if value >= WHOLE_FROM.get(ucum, float("inf")) else f"{value:.1f}")


def unit(ucum: str) -> str:
    """A unit as people write it: UCUM's `mm2` is `mm²`."""
    return UNITS.get(ucum, clean(ucum))
