"""Whether a package was made for a patient of this age, and why an image is not read where none was."""

from collections.abc import Sequence

from leapfrog.language.sentence import Sentence, joined, plural, sentence
from leapfrog.packages.applies_to import AgeRange
from leapfrog.packages.package import ModelPackage
from leapfrog.patient_age import PatientAge, Unit
from leapfrog.settings import UnknownAge
from leapfrog.wording.text import age_in_words

CONTRADICTION = sentence(
    "The image gives the patient's age as {stated}, but by the date of birth it is {from_birth}: one of the two is"
    " wrong."
)
CHECK = sentence("Check whose exam this is.")
UNKNOWN = sentence("The age of this patient is not given.")
SET_FOR_PICTURES = sentence("Set age_years for its folder in a [[folder.watch]] entry of the settings.")
SET_ON_MACHINE = sentence("Enter the date of birth on the machine, so that it comes with the images.")
FROM = sentence("{package} was made for people of {lowest} years and over.")
FROM_TO = sentence("{package} was made for people of {lowest} to {highest} years.")
ONLY = plural("{package} was made for people of {count} year.", "{package} was made for people of {count} years.")
PATIENT_IS: dict[Unit, Sentence] = {
    "year": plural("This patient is {count} year old.", "This patient is {count} years old."),
    "month": plural("This patient is {count} month old.", "This patient is {count} months old."),
    "week": plural("This patient is {count} week old.", "This patient is {count} weeks old."),
    "day": plural("This patient is {count} day old.", "This patient is {count} days old."),
}


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


def age_refusal(packages: Sequence[ModelPackage], age: PatientAge, *, is_picture: bool) -> Sentence:
    """Why none of these `packages`, which would read the image otherwise, reads a patient of this age."""
    made_for = [_made_for(one, ages) for one in packages if (ages := one.manifest.applies_to.ages_years) is not None]
    if age.age is None:
        return joined((*made_for, UNKNOWN, SET_FOR_PICTURES if is_picture else SET_ON_MACHINE))
    if age.is_contradictory and age.stated is not None and age.from_birth is not None:
        stated, from_birth = age_in_words(age.stated), age_in_words(age.from_birth)
        return joined((CONTRADICTION.format(stated=stated, from_birth=from_birth), *made_for, CHECK))
    return joined((*made_for, PATIENT_IS[age.age.unit].format(count=age.age.number)))


def _made_for(package: ModelPackage, ages: AgeRange) -> Sentence:
    """`chest-findings 1.0 was made for people of 15 years and over.`"""
    if ages.highest is None:
        return FROM.format(package=package.title, lowest=ages.lowest)
    if ages.highest == ages.lowest:
        return ONLY.format(package=package.title, count=ages.lowest)
    return FROM_TO.format(package=package.title, lowest=ages.lowest, highest=ages.highest)
