"""The vocabulary that every part shares: an exam, its images, and what a reading found in them.

Values only, checked when they come from JSON: no messages, no database rows, no text for staff.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field, field_validator, model_validator

from leapfrog.language.sentence import Sentence

Outcome = Literal["findings", "nothing_found", "not_assessed"]
Device = Literal["cpu", "edgetpu"]
Drawn = Literal["outline", "hatched"]
Polygon = tuple[tuple[float, float], ...]  # (x, y) points as fractions of the picture's width and height
FrontalView = Literal["PA", "AP"]  # View Position (0018,5101): the X-rays came from behind, or from the front
STATED_VIEWS: dict[str, FrontalView] = {  # View Position, as machines and settings write it, in letters only
    **dict.fromkeys(("PA", "POSTEROANTERIOR", "POSTERIORANTERIOR"), "PA"),
    **dict.fromkeys(("AP", "ANTEROPOSTERIOR", "ANTERIORPOSTERIOR"), "AP"),
}


class Frozen(BaseModel):
    """An immutable value that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Code(Frozen):
    """A coded concept (PS3.16): `scheme` is the coding scheme designator, such as SCT, LN or DCM."""

    value: str
    scheme: str
    meaning: str


class Region(Frozen):
    """A rectangle on the displayed picture, as fractions (0 to 1) of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


class EstimatedValue(Frozen):
    """What a published formula, the `method`, makes of a measurement: a value with its unit (UCUM)."""

    name: str
    code: Code
    value: float
    unit: str
    method: Code


class Measurement(Frozen):
    """A measured value with its unit (UCUM). Of several outlines it is their sum, and `parts` has each, in the order of
    the outlines. `estimate` is what was worked out from it; None in readings of older versions too.
    """

    name: str
    code: Code | None = None
    value: float
    unit: str
    parts: tuple[float, ...] = ()
    estimate: EstimatedValue | None = None


class ThresholdSetHere(Frozen):
    """Who set a finding's threshold at this box, when (ISO 8601) and from how many of its images, and the threshold of
    the package that it replaces; likewise the urgent one, if that was set too.
    """

    set_at: str
    set_by: str
    images: int
    package_threshold: float
    urgent_threshold: float | None = None
    package_urgent_threshold: float | None = None


class Finding(Frozen):
    """One statement that a model makes about an image. `score` and the thresholds that were applied are 0 to 1; it is
    `urgent` if it is flagged and reaches its `urgent_threshold` too; `set_here` says so of a `threshold` that is not
    the package's own; `contour` has a polygon for each part that is outlined, the largest first; `note` is a sentence
    for staff beside the finding. `shows_where`: if it is flagged, the model tells where in the picture. What is `drawn`
    "hatched" is shown for orientation only.
    """

    name: str
    code: Code
    score: float
    threshold: float
    flagged: bool
    urgent: bool = False
    urgent_threshold: float | None = None
    set_here: ThresholdSetHere | None = None
    shows_where: bool = True
    region: Region | None = None
    contour: tuple[Polygon, ...] | None = None
    drawn: Drawn = "outline"
    measurement: Measurement | None = None
    note: Sentence = Sentence("")

    @field_validator("contour", mode="before")
    @classmethod
    def _has_polygons(cls, contour: Any) -> Any:
        """Older versions wrote a single polygon by itself."""
        return (contour,) if contour and isinstance(contour[0][0], float | int) else contour

    @property
    def is_outlined(self) -> bool:
        """Whether it is an outline or a measurement, rather than present or absent."""
        return self.contour is not None or self.measurement is not None

    @property
    def needs_look(self) -> bool:
        """Whether staff should look at it. An outline or a measurement is only shown, never flagged for a look."""
        return self.flagged and not self.is_outlined


class ModelUsed(Frozen):
    """The model package that read the image, the device that it ran on, what it was made for and what it was not made
    to find, and the caution that the package asks for. `aid`: it only helps to find something, and says so in this
    sentence.
    """

    name: str
    version: str
    device: Device
    demonstration: bool
    intended_use: str = ""
    not_covered: tuple[Sentence, ...] = ()
    caution: str = ""
    aid: str = ""

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"


class Quality(Frozen):
    """How well the image resembles those that the model was made for. A higher `score` means less alike; above `limit`
    the image is not assessed.
    """

    acceptable: bool
    score: float | None = None
    limit: float | None = None
    detail: Sentence = Sentence("")


class Identity(Frozen):
    """The patient and the exam, as received; empty means not given. Dates are DICOM's YYYYMMDD.

    `image_date` is when the image was made, for an exam without `study_date`. `age_set_here`, in completed years, was
    not received: the settings say it of all pictures of a folder, or a person of the files that were read.
    """

    patient_name: str = ""
    patient_id: str = ""
    issuer_of_patient_id: str = ""
    birth_date: str = ""
    patient_age: str = ""
    age_set_here: int | None = None
    sex: str = ""
    accession_number: str = ""
    study_instance_uid: str = ""
    study_id: str = ""
    study_date: str = ""
    study_time: str = ""
    image_date: str = ""
    study_description: str = ""
    referring_physician: str = ""


class ImageHeader(Frozen):
    """What the instance says about its own image. `byte_count` is the size of its file, 0 where an older version read
    it; `has_graphics`: it carries graphics that are drawn on its picture.
    """

    sop_class_uid: str = ""
    series_instance_uid: str = ""
    transfer_syntax_uid: str = ""
    modality: str = ""
    body_part: str = ""
    view: str = ""
    laterality: str = ""
    instance_number: str = ""
    rows: int = 0
    columns: int = 0
    frames: int = 1
    burned_in_annotation: str = ""
    has_graphics: bool = False
    byte_count: int = 0


class HeatmapPicture(Frozen):
    """A picture in the study's report directory that shows where the model looked for one finding."""

    finding: str
    file: str


class FramePicture(Frozen):
    """A small picture of a frame of a loop, which counts from 1, in the study's report directory."""

    frame: int
    file: str


class ImageReading(Frozen):
    """Everything known about one instance after it was read; one entry of `images` in `report.json`.

    `plain` and `overlay` name files in the study's report directory; `frame` is the 1-based frame that they show,
    of `frames_read` that were looked at.
    `frame_pictures` are other frames that were looked at, in their order.
    `heatmaps` has one picture per flagged finding when several are flagged; `overlay` shows them all together.
    `age_not_given`: the model was made for certain ages, and was used although the patient's is not known. `view` is
    what the model took a film for, whatever the header says; None where it does not tell. A `model` that ran and came
    to no result stands beside "not_assessed" too.
    """

    instance_id: str
    sop_instance_uid: str
    source: str
    identity: Identity
    header: ImageHeader
    model: ModelUsed | None = None
    outcome: Outcome
    reason: Sentence = Sentence("")
    age_not_given: bool = False
    view: FrontalView | None = None
    findings: tuple[Finding, ...] = ()
    quality: Quality | None = None
    plain: str | None = None
    overlay: str | None = None
    heatmaps: tuple[HeatmapPicture, ...] = ()
    frame_pictures: tuple[FramePicture, ...] = ()
    frame: int = 1
    frames_read: int = 1
    phantom: bool = False
    milliseconds: dict[str, float] = Field(default_factory=dict)

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of all its picture files."""
        maps, frames = (one.file for one in self.heatmaps), (one.file for one in self.frame_pictures)
        return tuple(name for name in (self.plain, self.overlay, *maps, *frames) if name)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def urgent(self) -> bool:
        """Whether a flagged finding is above its own urgent threshold."""
        return any(finding.urgent and finding.needs_look for finding in self.findings)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_computed(cls, values: Any) -> Any:
        """What was written is read again, from the journal and from `report.json`."""
        return {key: value for key, value in values.items() if key != "urgent"} if isinstance(values, dict) else values


class PictureHints(Frozen):
    """What the settings say about the pictures of a folder that are not DICOM ([[folder.watch]])."""

    modality: str = ""
    body_part: str = ""
    view: str = ""
    pixel_spacing_mm: float | None = None
    age_years: int | None = None


class PictureIdentity(Frozen):
    """What a picture that is not DICOM is filed under: names from its file name, UIDs made once at intake."""

    patient_id: str = ""
    patient_name: str = ""
    accession_number: str = ""
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


def whose_exam(readings: Sequence[ImageReading]) -> Identity:
    """Whose exam the images of one study show, as the first image with a patient name says it; without one, the first
    image with a patient ID; without one, the first image.
    """
    identities = [reading.identity for reading in readings] or [Identity()]
    named = (identity for identity in identities if identity.patient_name)
    numbered = (identity for identity in identities if identity.patient_id)
    return next(named, next(numbered, identities[0]))


def stated_view(view_position: str) -> FrontalView | None:
    """The frontal view that a View Position (0018,5101) names; None if it names none, or another."""
    return STATED_VIEWS.get("".join(filter(str.isalpha, view_position)).upper())
