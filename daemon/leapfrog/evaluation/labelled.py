"""An image with what is known of it, and what the box said of it."""

from pydantic import Field

from leapfrog.evaluation.masks import Overlap
from leapfrog.exam import FrontalView, Frozen, Outcome

AGE_GROUPS = ((0, "under 1"), (1, "1 to 5"), (6, "6 to 14"), (15, "15 to 44"), (45, "45 to 64"), (65, "65 and over"))
NOT_GIVEN = "not given"


class LabelledImage(Frozen):
    """An image of the hospital's own. `file` and the files of `masks`, by finding, are relative to the folder of the
    data. `truth` says of each finding whether it is there; one that is not in it is not known. "" and None are not
    given.
    """

    file: str
    truth: dict[str, bool]
    masks: dict[str, str] = Field(default_factory=dict)
    patient: str = ""
    age_years: int | None = None
    sex: str = ""
    view: FrontalView | None = None
    machine: str = ""
    pixel_spacing_mm: float | None = None

    @property
    def sick(self) -> bool | None:
        """Whether any finding is there; None where nothing is known of the image."""
        return any(self.truth.values()) if self.truth else None


class SaidFinding(Frozen):
    """What the box said of one finding."""

    score: float
    threshold: float
    flagged: bool
    urgent: bool


class SaidOfImage(Frozen):
    """What the box said of one image. `read_by` is the model that read it, by name and version; "" where none did, for
    `reason`. `findings` and `overlaps` are by name. `patient`, `age_years`, `sex` and `view_stated` are what the image
    says of itself; `view` is what the model took it for. `picture` is kept of those that the page may show.
    """

    sha256: str
    read_by: str = ""
    outcome: Outcome
    reason: str = ""
    view: FrontalView | None = None
    view_stated: FrontalView | None = None
    findings: dict[str, SaidFinding] = Field(default_factory=dict)
    overlaps: dict[str, Overlap] = Field(default_factory=dict)
    patient: str = ""
    age_years: int | None = None
    sex: str = ""
    picture: str = ""


class EvaluatedImage(Frozen):
    """Both, side by side. `assessed`: the package that is evaluated read it."""

    labelled: LabelledImage
    said: SaidOfImage
    assessed: bool

    @property
    def patient(self) -> str:
        """Whose image it is; an image of which nobody says whose it is counts as a patient of its own."""
        return self.labelled.patient or self.said.patient or f"\0{self.labelled.file}"

    @property
    def view(self) -> FrontalView | None:
        """The view whose thresholds were applied; else the one that is given."""
        return self.said.view or self.labelled.view or self.said.view_stated

    @property
    def groups(self) -> dict[str, str]:
        """In which group it is, of each kind."""
        return {
            "View": self.view or NOT_GIVEN,
            "Sex": self.labelled.sex or self.said.sex or NOT_GIVEN,
            "Age": age_group(self.said.age_years if self.labelled.age_years is None else self.labelled.age_years),
            "Machine": self.labelled.machine or NOT_GIVEN,
        }

    @property
    def wrong(self) -> bool:
        """Whether a person should look at it: a finding missed, flagged wrongly, or there and not assessed."""
        if not self.assessed:
            return bool(self.labelled.sick)
        said = self.said.findings
        return any(name in said and said[name].flagged != there for name, there in self.labelled.truth.items())


def age_group(years: int | None) -> str:
    """The group of ages that somebody of so many completed years is in."""
    if years is None:
        return NOT_GIVEN
    return [name for lowest, name in AGE_GROUPS if lowest <= years][-1]
