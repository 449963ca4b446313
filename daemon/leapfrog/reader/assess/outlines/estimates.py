"""Estimates made from a measurement, for the manifests that ask for them; the table at the end lists all."""

from collections.abc import Callable

from leapfrog.packages.measurement_rule import Estimate
from leapfrog.wording.text import count

HADLOCK_RANGE_MM = (68.0, 360.0)
# Upper end of each range of head circumference in mm, and the +/-2 SD in weeks there (Hadlock 1984, as tabulated by
# Hologic for the SuperSonic MACH).
HADLOCK_TWO_SD_WEEKS = ((147.5, 1.19), (221.5, 1.48), (282.0, 2.06), (326.5, 2.98), (360.0, 3.2))


def gestational_age_weeks(head_circumference_mm: float) -> float | None:
    """Gestational age by Hadlock 1984: 8.96 + 0.540 HC + 0.0003 HC^3 with HC in cm; None outside its range."""
    if not HADLOCK_RANGE_MM[0] <= head_circumference_mm <= HADLOCK_RANGE_MM[1]:
        return None
    centimetres = head_circumference_mm / 10
    return 8.96 + 0.540 * centimetres + 0.0003 * centimetres**3


def gestational_age_note(head_circumference_mm: float) -> str:
    """The estimate in words, with the formula, its range and its +/-2 SD; outside the range, that there is none."""
    weeks = gestational_age_weeks(head_circumference_mm)
    shortest, longest = (f"{limit:.0f}" for limit in HADLOCK_RANGE_MM)
    if weeks is None:
        beyond = "smaller" if head_circumference_mm < HADLOCK_RANGE_MM[0] else "larger"
        return (
            f"No gestational age is estimated: this head is {beyond} than those that the formula (Hadlock 1984) holds"
            f" for, from {shortest} to {longest} mm."
        )
    two_sd = next(sd for upper, sd in HADLOCK_TWO_SD_WEEKS if head_circumference_mm <= upper)
    return (
        f"Estimated gestational age from head circumference (Hadlock 1984, {shortest} to {longest} mm): "
        f"{_weeks_and_days(weeks)}, +/- {_weeks_and_days(two_sd)} (2 SD). An estimate: a scan earlier in pregnancy "
        "tells the age more exactly."
    )


def _weeks_and_days(weeks: float) -> str:
    whole, days = divmod(round(weeks * 7), 7)
    return f"{count(whole, 'week')} {count(days, 'day')}"


# Each takes the measurement, in the unit of its rule, and returns a sentence for the report, or "" without an estimate.
ESTIMATES: dict[Estimate, Callable[[float], str]] = {"gestational_age_hadlock_1984": gestational_age_note}
