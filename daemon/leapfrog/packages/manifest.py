"""The manifest of a model package: `model.toml`, checked."""

import tomllib
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from leapfrog.errors import PackageError
from leapfrog.exam import Code, Drawn, FrontalView, Frozen
from leapfrog.packages.version import VERSION_PATTERN
from leapfrog.settings import OLDEST_YEARS

MANIFEST_NAME = "model.toml"
MODEL_NAME = "model.tflite"
EDGE_TPU_MODEL_NAME = "model_edgetpu.tflite"

Task = Literal["classification", "segmentation"]
InputField = Literal["whole", "exposed", "scan"]
MeasurementKind = Literal["ellipse_circumference", "area"]
UNIT_OF_KIND: dict[MeasurementKind, str] = {"ellipse_circumference": "mm", "area": "mm2"}
Estimate = Literal["gestational_age_hadlock_1984"]
ADULT_FROM_YEARS = 18
LARGEST_SLOPE, LARGEST_OFFSET = 20.0, 40.0  # of a calibration: far beyond any that was fitted
LARGEST_CORRECTION, LARGEST_STRETCH = 5.0, 0.05  # of a measurement; a model that needs more does not measure
LONGEST_CAUTION = 160  # characters: it stands in one or two lines above the headline, and in the list
Fraction = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _a_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("must be one line of printable letters, without spaces around it")
    return text


Line = Annotated[str, Field(max_length=LONGEST_CAUTION), AfterValidator(_a_line)]
Name = Annotated[
    str, Field(min_length=1), AfterValidator(_a_line)
]  # of what is found, measured or not looked for, as people read it


# What each estimate is made from: a measurement of this kind, with this code in LOINC.
MEASURED_FOR: dict[Estimate, tuple[MeasurementKind, str]] = {
    "gestational_age_hadlock_1984": ("ellipse_circumference", "11984-2"),
}


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


class ModelInput(Frozen):
    """The picture that the model takes, in pixels; "symmetric" scaling is gray / 127.5 - 1.

    `field` is the part of a picture that the model is shown: the "whole"; what the X-rays "exposed", without collimator
    edges and borders, for classifiers; or the "scan" of an ultrasound machine, without its screen, for segmenters.
    """

    height: int = Field(ge=8, le=4096)
    width: int = Field(ge=8, le=4096)
    channels: Literal[1] = 1
    scaling: Literal["symmetric"] = "symmetric"
    field: InputField = "whole"


class ModelOutputs(Frozen):
    """Which output tensor is which, by its index in the model."""

    scores: int | None = Field(default=None, ge=0)
    heatmap: int | None = Field(default=None, ge=0)
    mask: int | None = Field(default=None, ge=0)


class Calibration(Frozen):
    """Platt scaling: the displayed score is 1 / (1 + exp(-(a * logit(p) + b))) for the model's own score p.

    `a` is above 0, so that of two films the same one has the higher score in both.
    """

    a: float = Field(default=1.0, gt=0, le=LARGEST_SLOPE)
    b: float = Field(default=0.0, ge=-LARGEST_OFFSET, le=LARGEST_OFFSET)


class ViewRule(Frozen):
    """How the model tells AP films from PA films: `column` of the scores, after those of the findings, is its
    probability that the film is AP; from `threshold` on it is read as one. Less than `unsure` from the threshold the
    model does not know, and the view that the image itself states is taken, if it states one.
    """

    column: int = Field(ge=1)
    threshold: Fraction = 0.5
    unsure: Fraction = 0.0

    def told(self, probability: float, stated: FrontalView | None = None) -> FrontalView:
        """The view of a film that is AP with this probability, and that is `stated` to be of a view."""
        if stated is not None and abs(probability - self.threshold) < self.unsure:
            return stated
        return "AP" if probability >= self.threshold else "PA"


class ViewThresholds(Frozen):
    """From which calibrated scores on a finding is flagged in films of one view, and urgent; never urgent if None."""

    threshold: Fraction
    urgent_threshold: Fraction | None = None

    @model_validator(mode="after")
    def _is_flagged_where_it_is_urgent(self) -> Self:
        if self.urgent_threshold is not None and self.urgent_threshold < self.threshold:
            raise ValueError("urgent_threshold must not be below threshold")
        return self


class ThresholdsByView(Frozen):
    """A finding's thresholds in films of each view. In films of a view without any it is not looked for: there were too
    few with it to say how often it would be found.
    """

    PA: ViewThresholds | None = None
    AP: ViewThresholds | None = None

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if not self.given():
            raise ValueError("by_view needs the thresholds of at least one view")
        return self

    def of(self, view: FrontalView) -> ViewThresholds | None:
        """Those of films of `view`."""
        return self.PA if view == "PA" else self.AP

    def given(self) -> tuple[ViewThresholds, ...]:
        """Those that there are."""
        return tuple(one for one in (self.PA, self.AP) if one is not None)


class FindingRule(Frozen):
    """A finding that the model can report. `threshold` applies to the calibrated score.

    A flagged finding that is `urgent` brings its exam to the top of the list; with `urgent_threshold`, only from that
    score on.

    Where the package tells views, `by_view` may give thresholds for each. `threshold` is then the lowest of them, and
    `urgent_threshold` stands in `by_view` only: in a view without one the finding is never urgent, since it was not
    shown there that few healthy people are called urgent.

    A package with a heat map shows where it sees a finding, except with `shows_where = false`: then the report says
    that it does not tell.

    Of a free outline, `drawn` says how it is drawn. What is "hatched" is shown for orientation only, as the vessel
    beside a nerve: it decides nothing. `least_area` is the smallest part that is drawn, as a fraction of what the model
    is shown.
    """

    name: Name
    code: Code
    threshold: Fraction
    calibration: Calibration = Calibration()
    urgent: bool = False
    urgent_threshold: Fraction | None = None
    by_view: ThresholdsByView | None = None
    shows_where: bool | None = None
    drawn: Drawn = "outline"
    least_area: Fraction = 0.0

    @model_validator(mode="after")
    def _is_flagged_where_it_is_urgent(self) -> Self:
        if self.urgent_threshold is not None and (not self.urgent or self.urgent_threshold < self.threshold):
            raise ValueError("urgent_threshold needs urgent = true, and must not be below threshold")
        return self

    @model_validator(mode="after")
    def _agrees_with_its_views(self) -> Self:
        if self.by_view is None:
            return self
        views = self.by_view.given()
        if self.threshold != min(view.threshold for view in views):
            raise ValueError("threshold must be the lower of those in by_view")
        if self.urgent_threshold is not None:
            raise ValueError("with by_view, urgent_threshold is given for each view")
        if self.urgent != any(view.urgent_threshold is not None for view in views):
            raise ValueError(
                "with by_view, urgent = true needs an urgent_threshold in one view, and the other way round"
            )
        return self

    def in_view(self, view: FrontalView | None) -> Self | None:
        """The rule for films of `view`, None if the finding is not looked for in them; for any film where there are no
        thresholds by view.
        """
        if view is None or self.by_view is None:
            return self
        applied = self.by_view.of(view)
        if applied is None:
            return None
        return self.model_copy(
            update={
                "threshold": applied.threshold,
                "urgent": applied.urgent_threshold is not None,
                "urgent_threshold": applied.urgent_threshold,
                "by_view": None,
            }
        )

    def is_urgent(self, score: float) -> bool:
        """Whether a finding of this calibrated score is flagged and urgent."""
        return self.urgent and score >= max(self.threshold, self.urgent_threshold or 0.0)


class MeasurementRule(Frozen):
    """What a segmentation measures, with its code and unit (UCUM): the circumference of a fitted ellipse, or the area
    inside each free outline. `estimate` names what the report estimates from it, if anything.

    The measured line runs where the mask crosses `level`. Annotators draw an outline beside the edge that they measure;
    training finds the level at which this does not bias the measurement. A bias that grows with the size is taken away
    by `offset`, in the unit, and `slope`: the value is offset + slope * measured. With `mirrored`, the mask is averaged
    over the picture's mirror images.
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
    def _measures_what_its_estimate_is_made_from(self) -> Self:
        if self.estimate is not None:
            kind, loinc = MEASURED_FOR[self.estimate]
            if (self.kind, self.code.scheme, self.code.value) != (kind, "LN", loinc):
                raise ValueError(f'the estimate "{self.estimate}" is made from a "{kind}" with the LOINC code {loinc}')
        return self


class EdgeTpuModel(Frozen):
    """What edgetpu_compiler reports about `model_edgetpu.tflite`: operations by where they run, bytes of parameters.

    `min_runtime_version` is the oldest Edge TPU runtime that can run it. `compiled_with` names the packages whose
    models share the chip's memory with it, with the SHA-256 of their `model_edgetpu.tflite`. Switching to any other
    model, even to another compilation of one of these, evicts its parameters.
    """

    compiler_version: str = Field(min_length=1)
    min_runtime_version: int = Field(ge=0)
    operations_on_edge_tpu: int = Field(ge=1)
    operations_on_cpu: int = Field(ge=0)
    on_chip_bytes: int = Field(ge=0)
    remaining_bytes: int = Field(ge=0)
    streamed_bytes: int = Field(ge=0)
    compiled_with: dict[str, Sha256] = Field(default_factory=dict)


class DataSource(Frozen):
    """The images that the model was made from."""

    name: str = ""
    licence: str = ""
    citation: str = ""


class Manifest(Frozen):
    """`model.toml`, checked. `metrics` are the measured scores, for the card and the report. `caution`, one line, is
    what everybody must know before they believe a reading of this package; it stands first on each. `aid`, one line,
    says what a package is good for that only helps to find something: nothing that it outlines, or does not, is a
    result.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    version: str = Field(pattern=VERSION_PATTERN, max_length=32)
    task: Task
    demonstration: bool
    intended_use: str = Field(min_length=1)
    caution: Line = ""
    aid: Line = ""
    not_covered: tuple[Name, ...] = ()
    applies_to: AppliesTo
    input: ModelInput
    outputs: ModelOutputs
    finding: tuple[FindingRule, ...] = Field(min_length=1)
    view: ViewRule | None = None
    measurement: MeasurementRule | None = None
    metrics: dict[str, Any] = Field(default_factory=dict)
    edge_tpu: EdgeTpuModel | None = None
    data: DataSource = DataSource()
    files: dict[str, Sha256]

    @field_validator("files")
    @classmethod
    def _names_files_of_this_folder(cls, files: dict[str, str]) -> dict[str, str]:
        for name in files:
            if "/" in name or "\\" in name or name.startswith("."):
                raise ValueError(f"{name!r} is not allowed: give the plain name of a file in the package")
        if MODEL_NAME not in files:
            raise ValueError(f"{MODEL_NAME} must be listed with its SHA-256")
        return files

    @model_validator(mode="after")
    def _has_what_its_task_needs(self) -> Self:
        if self.task == "classification" and self.outputs.scores is None:
            raise ValueError("a classification package needs outputs.scores")
        if self.task == "segmentation" and self.outputs.mask is None:
            raise ValueError("a segmentation package needs outputs.mask")
        if self.task == "segmentation" and len(self.finding) != 1 and not self.measures_area:
            raise ValueError('a segmentation package has one [[finding]], except with measurement.kind = "area"')
        if self.input.field == ("exposed" if self.task == "segmentation" else "scan"):
            other = "classification" if self.task == "segmentation" else "segmentation"
            raise ValueError(f'input.field = "{self.input.field}" is for {other} packages only')
        if self.edge_tpu is not None and EDGE_TPU_MODEL_NAME not in self.files:
            raise ValueError(f"{EDGE_TPU_MODEL_NAME} must be listed with its SHA-256")
        return self

    @model_validator(mode="after")
    def _names_each_thing_once(self) -> Self:
        found = [rule.name for rule in self.finding]
        if repeated := _first_repeated(found):
            raise ValueError(f'there are two findings of the name "{repeated}": give each its own')
        if repeated := _first_repeated(self.not_covered):
            raise ValueError(f'not_covered has "{repeated}" twice: name it once')
        if repeated := _first_repeated([*found, *self.not_covered]):
            raise ValueError(f'not_covered has "{repeated}", which is a finding of this package: it cannot be both')
        return self

    @model_validator(mode="after")
    def _tells_views_as_it_says(self) -> Self:
        if self.view is None and any(rule.by_view is not None for rule in self.finding):
            raise ValueError("by_view needs a [view], which tells the view of a film")
        if self.view is not None and self.task != "classification":
            raise ValueError("[view] is for classification packages only")
        if self.view is not None and self.view.column != len(self.finding):
            raise ValueError(f"view.column must be {len(self.finding)}, the first column after those of the findings")
        return self

    @model_validator(mode="after")
    def _shows_only_what_it_has(self) -> Self:
        if self.task != "classification" and any(rule.shows_where is not None for rule in self.finding):
            raise ValueError("shows_where is for classification packages only")
        if self.outputs.heatmap is None and any(rule.shows_where for rule in self.finding):
            raise ValueError("shows_where = true needs outputs.heatmap")
        return self

    @model_validator(mode="after")
    def _outlines_as_it_says(self) -> Self:
        if self.measures_area:
            if any(rule.urgent for rule in self.finding):
                raise ValueError('with measurement.kind = "area" nothing is urgent: an outline is shown, never flagged')
            if all(rule.drawn == "hatched" for rule in self.finding):
                raise ValueError('one finding must be drawn = "outline": what is hatched only stands beside it')
        elif self.aid or any(rule.drawn == "hatched" or rule.least_area for rule in self.finding):
            raise ValueError('aid, drawn and least_area are for packages with measurement.kind = "area" only')
        return self

    def shows_where(self, rule: FindingRule) -> bool:
        """Whether a classifier's heat map is shown for this finding."""
        return self.outputs.heatmap is not None and rule.shows_where is not False

    def not_covered_in(self, view: FrontalView | None) -> tuple[str, ...]:
        """What the model does not look for in films of `view`, of which it may find some in films of the other."""
        missing = (rule.name for rule in self.finding if rule.in_view(view) is None)
        return (*(f"{name} in {view} films" for name in missing), *self.not_covered)

    @property
    def measures_circumference(self) -> bool:
        """Whether the package fits one ellipse around a head, in each frame of a sweep."""
        return self.task == "segmentation" and not self.measures_area

    @property
    def measures_area(self) -> bool:
        """Whether the package draws free outlines around structures that may be absent, rather than one ellipse around
        a head. Its mask then has a channel for each finding, in their order.
        """
        return self.measurement is not None and self.measurement.kind == "area"


def _first_repeated(names: Iterable[str]) -> str:
    """The first name that was there before, in upper or lower case; empty if there is none."""
    before: set[str] = set()
    for name in names:
        if name.casefold() in before:
            return name
        before.add(name.casefold())
    return ""


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit in it: routing looks at nothing else."""
    return any(map(str.isalnum, text))


def parse_manifest(content: bytes, package: str) -> Manifest:
    """Parse and check `content`, the text of a `model.toml`. Raises PackageError, which names the package `package`."""
    try:
        return Manifest.model_validate(tomllib.loads(content.decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        detail = f"{MANIFEST_NAME} is not valid TOML: {problem}"
    except ValidationError as problem:
        detail = f"in {MANIFEST_NAME} " + "; ".join(_sentence(error) for error in problem.errors())
    raise PackageError(f"The model package {package} is not loaded: {detail}.")


def _sentence(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "the manifest"
    return f"{key}: {error['msg'].removeprefix('Value error, ')}"
