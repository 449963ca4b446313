"""Estimates made from a measurement, for the manifests that ask for them; the table at the end lists all."""

from collections.abc import Callable
from dataclasses import dataclass

from leapfrog.exam import Code, EstimatedValue
from leapfrog.language.sentence import Sentence, plural, sentence
from leapfrog.packages.measurement_rule import Estimate

GESTATIONAL_AGE = Code(value="18185-9", scheme="LN", meaning="Gestational Age")
HADLOCK_1984 = Code(value="11932-1", scheme="LN", meaning="HC, Hadlock 1984")  # CID 12013
HADLOCK_RANGE_MM = (68.0, 360.0)
# Upper end of each range of head circumference in mm, and the +/-2 SD in weeks there (Hadlock 1984, as tabulated by
# Hologic for the SuperSonic MACH).
HADLOCK_TWO_SD_WEEKS = ((147.5, 1.19), (221.5, 1.48), (282.0, 2.06), (326.5, 2.98), (360.0, 3.2))

TOO_SMALL = sentence(
    "No gestational age is estimated: this head is smaller than those that the formula (Hadlock 1984) holds for, from"
    " {shortest} to {longest} mm."
)
TOO_LARGE = sentence(
    "No gestational age is estimated: this head is larger than those that the formula (Hadlock 1984) holds for, from"
    " {shortest} to {longest} mm."
)
ESTIMATED = sentence(
    "Estimated gestational age from head circumference (Hadlock 1984, {shortest} to {longest} mm): {age}, +/- {two_sd}"
    " (2 SD). An estimate: a scan earlier in pregnancy tells the age more exactly."
)
WEEKS_AND_DAYS = sentence("{weeks} {days}")
WEEKS, DAYS = plural("{count} week", "{count} weeks"), plural("{count} day", "{count} days")


@dataclass(frozen=True)
class Estimated:
    """What came of an estimate: a sentence for the report, and the value, None if there is none."""

    note: Sentence
    value: EstimatedValue | None = None


NO_ESTIMATE = Estimated(Sentence(""))


def gestational_age_weeks(head_circumference_mm: float) -> float | None:
    """Gestational age by Hadlock 1984: 8.96 + 0.540 HC + 0.0003 HC^3 with HC in cm; None outside its range."""
    if not HADLOCK_RANGE_MM[0] <= head_circumference_mm <= HADLOCK_RANGE_MM[1]:
        return None
    centimetres = head_circumference_mm / 10
    return 8.96 + 0.540 * centimetres + 0.0003 * centimetres**3


def gestational_age(head_circumference_mm: float) -> Estimated:
    """The estimate with the formula, its range and its +/-2 SD in words; outside the range, that there is none."""
    weeks = gestational_age_weeks(head_circumference_mm)
    shortest, longest = map(round, HADLOCK_RANGE_MM)
    if weeks is None:
        beyond = TOO_SMALL if head_circumference_mm < shortest else TOO_LARGE
        return Estimated(beyond.format(shortest=shortest, longest=longest))
    two_sd = next(sd for upper, sd in HADLOCK_TWO_SD_WEEKS if head_circumference_mm <= upper)
    note = ESTIMATED.format(
        shortest=shortest, longest=longest, age=_weeks_and_days(weeks), two_sd=_weeks_and_days(two_sd)
    )
    value = EstimatedValue(
        name="Gestational age", code=GESTATIONAL_AGE, value=round(weeks, 2), unit="wk", method=HADLOCK_1984
    )
    return Estimated(note, value)


def _weeks_and_days(weeks: float) -> Sentence:
    whole, days = divmod(round(weeks * 7), 7)
    return WEEKS_AND_DAYS.format(weeks=WEEKS.format(count=whole), days=DAYS.format(count=days))


# Each takes the measurement, in the unit of its rule.
ESTIMATES: dict[Estimate, Callable[[float], Estimated]] = {"gestational_age_hadlock_1984": gestational_age}
