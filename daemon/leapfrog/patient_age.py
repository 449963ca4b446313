"""How old a patient was at the exam, by what the image says of it.

Machines leave Patient's Age (0010,1010) empty, fill it with anything, or give a date of birth that stands for
"unknown". What is not clearly an age counts as unknown, and so does one that nobody reaches, such as 999Y: it must
never make an adult of a child.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from leapfrog.exam import Identity
from leapfrog.settings import OLDEST_YEARS

Unit = Literal["day", "week", "month", "year"]

# PS3.5 Section 6.2, Age String: three digits and a letter, nothing else.
AGE_STRING = re.compile(r"([0-9]{3})([DWMY])")
UNITS: dict[str, Unit] = {"D": "day", "W": "week", "M": "month", "Y": "year"}
DATE = re.compile(r"([0-9]{4})(\.?)([0-9]{2})\2([0-9]{2})")  # PS3.5 Section 6.2, and the old form with points
DAYS_OF_UNIT: dict[Unit, float] = {"day": 1, "week": 7, "month": 365.25 / 12, "year": 365.25}
UNKNOWN_BIRTH_DATES = frozenset((date(1800, 1, 1), date(1900, 1, 1)))  # what machines write where they must write one
MOST_DAYS_APART = 366  # more than a year between what is stated and the date of birth is no rounding
IN_YEARS_FROM, IN_MONTHS_FROM = 2, 2  # an age is given in months below two years, in days below two months


@dataclass(frozen=True)
class Age:
    """A completed age, in the unit in which it is given."""

    number: int
    unit: Unit

    @property
    def years(self) -> int:
        """Completed years."""
        match self.unit:
            case "year":
                return self.number
            case "month":
                return self.number // 12
            case _:
                return int(self.number * DAYS_OF_UNIT[self.unit] / DAYS_OF_UNIT["year"])


@dataclass(frozen=True)
class PatientAge:
    """All that is known of a patient's age at the exam: what is `stated` in the image, what follows `from_birth` (with
    the exact `days`), and what was `set_here`, by the settings or a person, for an image that says nothing. A date of
    birth after that of the exam (`born_after_exam`) tells no age: one of the two is wrong.
    """

    stated: Age | None = None
    from_birth: Age | None = None
    days: int | None = None
    set_here: Age | None = None
    born_after_exam: bool = False

    @property
    def age(self) -> Age | None:
        """The age that counts: by the date of birth, which is the most exact, else as stated, else as set here."""
        return self.from_birth or self.stated or self.set_here

    @property
    def is_contradictory(self) -> bool:
        """Whether what is stated and the date of birth are more than a year apart."""
        if self.stated is None or self.days is None:
            return False
        one = DAYS_OF_UNIT[self.stated.unit]
        lowest, highest = self.stated.number * one, (self.stated.number + 1) * one
        return max(lowest - self.days, self.days - highest) > MOST_DAYS_APART


def patient_age(identity: Identity) -> PatientAge:
    """What `identity` says of the patient's age at the exam."""
    stated, set_here = stated_age(identity.patient_age), identity.age_set_here
    given = None if set_here is None else Age(set_here, "year")
    birth = known_birth_date(identity.birth_date)
    exam = dicom_date(identity.study_date) or dicom_date(identity.image_date)
    if birth is None or exam is None:
        return PatientAge(stated=stated, set_here=given)
    if birth > exam:
        return PatientAge(stated=stated, set_here=given, born_after_exam=True)
    from_birth = age_at(birth, exam)
    if from_birth.years > OLDEST_YEARS:
        return PatientAge(stated=stated, set_here=given)
    return PatientAge(stated=stated, from_birth=from_birth, days=(exam - birth).days, set_here=given)


def stated_age(value: str) -> Age | None:
    """Patient's Age, if it is one: nnnD, nnnW, nnnM or nnnY."""
    match = AGE_STRING.fullmatch(value)
    if match is None:
        return None
    age = Age(int(match[1]), UNITS[match[2]])
    return age if age.years <= OLDEST_YEARS else None


def age_at(birth: date, exam: date) -> Age:
    """The completed age on the day `exam`; who was born on 29 February is a year older on 1 March."""
    months = 12 * (exam.year - birth.year) + exam.month - birth.month - (exam.day < birth.day)
    if months >= 12 * IN_YEARS_FROM:
        return Age(months // 12, "year")
    return Age(months, "month") if months >= IN_MONTHS_FROM else Age((exam - birth).days, "day")


def known_birth_date(value: str) -> date | None:
    """The date of birth, unless it is none, or one that stands for "unknown"."""
    birth = dicom_date(value)
    return None if birth in UNKNOWN_BIRTH_DATES else birth


def dicom_date(value: str) -> date | None:
    """The day that a DICOM date names, as PS3.5 has it now or once had it; None for anything else."""
    match = DATE.fullmatch(value)
    try:
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:  # such as 30 February
        return None
