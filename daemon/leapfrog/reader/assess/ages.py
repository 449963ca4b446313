"""Whether a package was made for a patient of this age, and why an image is not read where none was."""

from collections.abc import Sequence

from leapfrog.packages.applies_to import AgeRange
from leapfrog.packages.package import ModelPackage
from leapfrog.patient_age import Age, PatientAge
from leapfrog.settings import UnknownAge
from leapfrog.wording.text import age_in_words, count

CONTRADICTION = (
    "The image gives the patient's age as {stated}, but by the date of birth it is {from_birth}: one of the two is"
    " wrong. {made_for}. Check whose exam this is."
)
OTHER_AGE = "{made_for}; this patient is {age}."
UNKNOWN = "{made_for}, and the age of this patient is not given. {remedy}"
SET_FOR_PICTURES = "Set age_years for its folder in a [[folder.watch]] entry of the settings."
SET_ON_MACHINE = "Enter the date of birth on the machine, so that it comes with the images."


def reads_age(package: ModelPackage, age: PatientAge, unknown_age: UnknownAge) -> bool:
    """Whether `package` reads a patient of this age. Where the age is unknown and `unknown_age` is "adult", a package
    that was made for adults does.
    """
    ages = package.manifest.applies_to.ages_years
    if ages is None:
        return True
    if age.age is None:
        return unknown_age == "adult" and ages.holds_adults
    possible = [one for one in (age.stated, age.from_birth) if one is not None] if age.is_contradictory else [age.age]
    return all(ages.holds(one.years) for one in possible)


def age_refusal(packages: Sequence[ModelPackage], age: PatientAge, *, is_picture: bool) -> str:
    """Why none of these `packages`, which would read the image otherwise, reads a patient of this age."""
    made_for = _made_for(packages)
    if age.age is None:
        return UNKNOWN.format(made_for=made_for, remedy=SET_FOR_PICTURES if is_picture else SET_ON_MACHINE)
    if age.is_contradictory and age.stated is not None and age.from_birth is not None:
        stated, from_birth = age_in_words(age.stated), age_in_words(age.from_birth)
        return CONTRADICTION.format(stated=stated, from_birth=from_birth, made_for=made_for)
    return OTHER_AGE.format(made_for=made_for, age=_of_patient(age.age))


def _of_patient(age: Age) -> str:
    return str(age.number) if age.unit == "year" else f"{age_in_words(age)} old"


def _made_for(packages: Sequence[ModelPackage]) -> str:
    """`chest-findings 1.0 was made for people of 15 years and over, chest-child 1.0 for people of 1 to 5 years`."""
    parts = [
        f"{package.title} {'was made ' if number == 0 else ''}for people of {_range(ages)}"
        for number, package in enumerate(packages)
        if (ages := package.manifest.applies_to.ages_years) is not None
    ]
    return ", ".join(parts)


def _range(ages: AgeRange) -> str:
    if ages.highest is None:
        return f"{ages.lowest} years and over"
    if ages.highest == ages.lowest:
        return count(ages.lowest, "year")
    return f"{ages.lowest} to {ages.highest} years"
