"""How often the rule for drift gives a false alarm, and what it finds. From tests/: `python -m support.drift_trial`.

Boxes are made up whose weeks differ by chance alone (0 %), or whose shares also go up and down from week to week by so
much of themselves, as seasons, market days and epidemics have it; each is looked at once a week, as the page does.
"""

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from leapfrog.commands.fleet.drift import Measure, drifts
from leapfrog.fleet.box_state import WEEKS_TOLD, WeekCount
from support.made_up_fleet import week_name

FIRST = date(2024, 1, 1)
WEEKS_A_YEAR = 52
EXAMS_SCATTER = 0.2  # by which the number of exams differs from week to week, of itself


@dataclass(frozen=True)
class Clinic:
    """`exams` (or answers) a week; of these the share that counts, which differs from week to week by `scatter` of
    itself; and to what that share changes after half a year, if it does.
    """

    measure: Measure
    exams: float
    share: float
    scatter: float = 0.0
    later: float | None = None


@dataclass(frozen=True)
class Year:
    """What one year of one clinic came to: how often an alarm began, and after how many weeks the first did."""

    alarms: int
    first: int | None


def year_of(clinic: Clinic, chance: random.Random) -> Year:
    """A year of looks, after half a year of which the box has its past."""
    weeks = [_week(clinic, number, chance) for number in range(WEEKS_TOLD + WEEKS_A_YEAR)]
    sounding = []
    for number in range(WEEKS_TOLD, len(weeks)):
        today = FIRST + timedelta(weeks=number + 1)
        seen = drifts(weeks[number + 1 - WEEKS_TOLD : number + 1], today)
        sounding.append(any(one.measure == clinic.measure for one in seen))
    begun = [week for week, sounds in enumerate(sounding) if sounds and not (week and sounding[week - 1])]
    return Year(len(begun), begun[0] + 1 if begun else None)


def alarms_a_year(clinic: Clinic, boxes: int, seed: int = 1) -> float:
    """How many alarms a box of such a clinic gives in a year."""
    chance = random.Random(seed)
    return sum(year_of(clinic, chance).alarms for _ in range(boxes)) / boxes


def found_within(clinic: Clinic, weeks: int, boxes: int, seed: int = 1) -> float:
    """At which share of such clinics an alarm came within so many weeks."""
    chance = random.Random(seed)
    firsts = [year_of(clinic, chance).first for _ in range(boxes)]
    return sum(first is not None and first <= weeks for first in firsts) / boxes


def _week(clinic: Clinic, number: int, chance: random.Random) -> WeekCount:
    exams = max(0, round(chance.gauss(clinic.exams, (clinic.exams + (EXAMS_SCATTER * clinic.exams) ** 2) ** 0.5)))
    share = clinic.share if clinic.later is None or number < WEEKS_TOLD else clinic.later
    share = min(1.0, max(0.0, share * chance.gauss(1, clinic.scatter)))
    events = sum(chance.random() < share for _ in range(exams))
    counts = {"urgent": 0, "not_assessed": 0, "answered": 0, "differing": 0}
    if clinic.measure == "differing":
        counts["answered"] = exams
    counts[clinic.measure] = events
    return WeekCount(week=week_name(FIRST + timedelta(weeks=number)), exams=exams, **counts)


def main(boxes: int) -> None:
    """The tables of config/fleet.md."""
    shares: Sequence[tuple[Measure, float]] = (("urgent", 0.15), ("not_assessed", 0.05), ("differing", 0.15))
    say("False alarms of a box a year, by exams (or answers) a week and how much weeks differ beyond chance")
    for scatter in (0.0, 0.2, 0.3):
        for exams in (10, 30, 100):
            rates = [(name, alarms_a_year(Clinic(name, exams, share, scatter), boxes)) for name, share in shares]
            told = ", ".join(f"{name} {rate:.3f}" for name, rate in rates)
            say(f"  {scatter:.0%} {exams:>4}: {told}; together {sum(rate for _, rate in rates):.3f}")
    say("Changes found within 4, and within 8 weeks (weeks differ by 20 % beyond chance)")
    changes: Sequence[tuple[Measure, float, float]] = (
        ("urgent", 0.15, 0.30),
        ("urgent", 0.15, 0.05),
        ("not_assessed", 0.05, 0.15),
        ("not_assessed", 0.05, 0.50),
        ("differing", 0.15, 0.35),
    )
    for measure, before, later in changes:
        for exams in (10, 30, 100):
            clinic = Clinic(measure, exams, before, 0.2, later)
            found = [found_within(clinic, weeks, boxes // 2) for weeks in (4, 8)]
            say(f"  {measure} {before:.0%} to {later:.0%}, {exams:>4} a week: {found[0]:.0%}, {found[1]:.0%}")


def say(line: str) -> None:
    """To whoever ran it."""
    print(line, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
