"""How large the things that are measured can be; the table at the end lists all.

The bounds catch a wrong scale, such as millimetres given as centimetres. They are wider than any person's, and say
nothing about health.
"""

from leapfrog.exam import Code
from leapfrog.language.sentence import Sentence, known, number, sentence
from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.measurement_rule import MeasurementRule

# 44 mm at the tenth week, before which the skull cannot be outlined; with a hydrocephalus, 450 mm were seen at birth.
HEAD_CIRCUMFERENCE_MM = (40.0, 500.0)
# In cross-section: a digital nerve has 1 mm2, the sciatic nerve 50 to 150; a plexus in one outline up to 200.
NERVE_MM2 = (0.5, 2000.0)
# A digital artery has 1 mm2, the internal jugular vein up to 500.
VESSEL_MM2 = (0.5, 3000.0)
WITHOUT_BOUNDS = (0.0, float("inf"))

IMPOSSIBLE = sentence(
    "By the image's scale, the {name} would be {value} {unit}, which cannot be. The scale must be wrong, so nothing is"
    " given in millimetres."
)
WRITTEN_UNITS = {"mm2": "mm²"}


def why_impossible(rule: MeasurementRule, measured: FindingRule, value: float) -> Sentence:
    """A sentence for staff if what `rule` measures of `measured` can never have `value`, in the rule's unit, or ""."""
    smallest, largest = _bounds(rule.code) or _bounds(measured.code) or WITHOUT_BOUNDS
    if smallest <= value <= largest:
        return Sentence("")
    unit = WRITTEN_UNITS.get(rule.unit, rule.unit)
    return IMPOSSIBLE.format(name=known(rule.name).lowered(), value=number(f"{value:,.1f}"), unit=unit)


def _bounds(code: Code) -> tuple[float, float] | None:
    return POSSIBLE_SIZES.get((code.scheme, code.value))


# By the code of the measurement or else of the thing, in the unit of the measurement's kind.
POSSIBLE_SIZES: dict[tuple[str, str], tuple[float, float]] = {
    ("LN", "11984-2"): HEAD_CIRCUMFERENCE_MM,
    ("SCT", "91728009"): NERVE_MM2,
    ("SCT", "59820001"): VESSEL_MM2,
}
