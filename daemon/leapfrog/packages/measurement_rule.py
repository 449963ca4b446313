"""What is measured of an outline."""

from typing import Literal, Self

from pydantic import Field, model_validator

from leapfrog.exam import Code, Frozen
from leapfrog.packages.texts import Name

MeasurementKind = Literal["ellipse_circumference", "area"]
UNIT_OF_KIND: dict[MeasurementKind, str] = {"ellipse_circumference": "mm", "area": "mm2"}
Estimate = Literal["gestational_age_hadlock_1984"]
LARGEST_CORRECTION, LARGEST_STRETCH = 5.0, 0.05  # of a measurement; a model that needs more does not measure

# What each estimate is made from: a measurement of this kind, with this code in LOINC.
MEASURED_FOR: dict[Estimate, tuple[MeasurementKind, str]] = {
    "gestational_age_hadlock_1984": ("ellipse_circumference", "11984-2"),
}


class MeasurementRule(Frozen):
    """What a segmentation measures, with its code and unit (UCUM): the circumference of a fitted ellipse, or the area
    inside each free outline. `estimate` names what the report estimates from it, if anything.

    The measured line runs where the mask crosses `level`. Annotators draw an outline beside the edge that they measure;
    training finds the level at which this does not bias the measurement. A bias that grows with the size is taken away
    by `offset`, in the unit, and `slope`: the value is offset + slope * measured. With `mirrored`, the mask is averaged
    over the picture's mirror images. These three are for circumferences only.
    """

    name: Name
    code: Code
    kind: MeasurementKind = "ellipse_circumference"
    unit: Literal["mm", "mm2"] = "mm"
    level: float = Field(default=0.5, ge=0.5, le=0.9)
    offset: float = Field(default=0.0, ge=-LARGEST_CORRECTION, le=LARGEST_CORRECTION)
    slope: float = Field(default=1.0, ge=1 - LARGEST_STRETCH, le=1 + LARGEST_STRETCH)
    mirrored: bool = False
    estimate: Estimate | None = None

    @model_validator(mode="after")
    def _has_the_unit_of_its_kind(self) -> Self:
        if self.unit != UNIT_OF_KIND[self.kind]:
            raise ValueError(f'the unit of "{self.kind}" is "{UNIT_OF_KIND[self.kind]}", not "{self.unit}"')
        return self

    @model_validator(mode="after")
    def _corrects_a_circumference_only(self) -> Self:
        if self.kind == "area" and (self.offset, self.slope, self.mirrored) != (0.0, 1.0, False):
            raise ValueError('offset, slope and mirrored are not for measurement.kind = "area": leave them out')
        return self

    @model_validator(mode="after")
    def _measures_what_its_estimate_is_made_from(self) -> Self:
        if self.estimate is not None:
            kind, loinc = MEASURED_FOR[self.estimate]
            if (self.kind, self.code.scheme, self.code.value) != (kind, "LN", loinc):
                raise ValueError(f'the estimate "{self.estimate}" is made from a "{kind}" with the LOINC code {loinc}')
        return self
