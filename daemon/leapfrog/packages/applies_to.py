"""For which exams and people a model was made."""

from typing import Self

from pydantic import Field, model_validator

from leapfrog.exam import Frozen
from leapfrog.packages.texts import has_words
from leapfrog.settings import OLDEST_YEARS

ADULT_FROM_YEARS = 18


class Exclusion(Frozen):
    """Words that exclude an exam: if its description has one of `words`, in upper or lower case, the model is not used.

    `reason` is what staff read then; {package} in it becomes the package's name and version, {words} the words found.
    """

    words: str
    reason: str

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not has_words(self.words):
            raise ValueError("words of an exclusion need at least one word")
        if not self.reason.strip() or not self.reason.isprintable():
            raise ValueError("the reason of an exclusion must be a sentence in one line")
        return self


class AgeRange(Frozen):
    """Ages in completed years, both included: `ages_years = { lowest = 15 }` is 15 years and over, and
    `ages_years = { lowest = 1, highest = 5 }` from the first birthday to the day before the sixth.
    """

    lowest: int = Field(ge=0, le=OLDEST_YEARS)
    highest: int | None = Field(default=None, ge=0, le=OLDEST_YEARS)

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.highest is not None and self.highest < self.lowest:
            raise ValueError("the lowest of ages_years is above the highest")
        return self

    def holds(self, years: int) -> bool:
        """Whether somebody of so many completed years is in it."""
        return self.lowest <= years and (self.highest is None or years <= self.highest)

    @property
    def holds_adults(self) -> bool:
        """Whether it goes up to grown people, such as one whose age nobody gave is taken for."""
        return self.highest is None or self.highest >= ADULT_FROM_YEARS


class AppliesTo(Frozen):
    """What the model was made for, in DICOM's defined terms: (0008,0060), (0018,0015) and (0018,5101).

    `ages_years` are the ages that it was made for; without it the patient's age does not matter, as in ultrasound of a
    fetus, where it is the mother's.

    `words` lists, for each of `body_parts`, what devices and their users call it besides the term itself, in upper or
    lower case. A package without them is refused: it was made when the daemon had them, and the exclusions too, and
    would now read exams that it is not for.
    """

    modalities: tuple[str, ...] = Field(min_length=1)
    body_parts: tuple[str, ...] = Field(min_length=1)
    views: tuple[str, ...] = ()
    ages_years: AgeRange | None = None
    words: dict[str, str] = Field(default_factory=dict)
    excluded: tuple[Exclusion, ...] = ()

    @model_validator(mode="after")
    def _has_words_for_its_parts(self) -> Self:
        for part in self.words:
            if part not in self.body_parts:
                raise ValueError(f"applies_to.words has {part!r}, which is not in applies_to.body_parts")
        lacking = [part for part in self.body_parts if not has_words(self.words.get(part, ""))]
        if lacking:
            raise ValueError(
                f"applies_to.words lacks the words for {', '.join(lacking)}, as packages for an older Leapfrog do:"
                " install a newer version of the package, or pack it again with `leapfrog-train package`"
            )
        return self
