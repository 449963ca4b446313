"""The manifest of a model package: `model.toml`, checked."""

import re
from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from leapfrog.errors import PackageError
from leapfrog.exam import FrontalView, Frozen
from leapfrog.language.sentence import Sentence, known, sentence
from leapfrog.packages.applies_to import AppliesTo
from leapfrog.packages.finding_rules import FindingRule, ViewRule
from leapfrog.packages.measurement_rule import MeasurementRule
from leapfrog.packages.shallow_toml import parse_shallow_toml
from leapfrog.packages.texts import Line, Name, Sha256
from leapfrog.packages.version import VERSION_PATTERN

MANIFEST_NAME = "model.toml"
MODEL_NAME = "model.tflite"
EDGE_TPU_MODEL_NAME = "model_edgetpu.tflite"
# The name of a file of a package: one that every file system takes as it is.
PLAIN_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.+-]{0,98}[A-Za-z0-9_+-])?")
IN_FILMS = sentence("{finding} in {view} films")
MOST_FILES = 64
MOST_MISTAKES = 5  # that are named: a manifest of a stranger may have thousands
LONGEST_KEY = 80  # characters of a key, in the name of a mistake

Task = Literal["classification", "segmentation"]
InputField = Literal["whole", "exposed", "scan"]


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
        if len(files) > MOST_FILES:
            raise ValueError(f"there are {len(files)} files: a package has {MOST_FILES} at most")
        for name in files:
            if not PLAIN_NAME.fullmatch(name):
                raise ValueError(f"{_shown(name)} is not allowed: give the plain name of a file in the package")
        if repeated := _first_repeated(files):
            raise ValueError(f'"{repeated}" is there twice, in upper and lower case: some disks take both for one file')
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

    def not_covered_in(self, view: FrontalView | None) -> tuple[Sentence, ...]:
        """What the model does not look for in films of `view`, of which it may find some in films of the other."""
        missing = (rule.name for rule in self.finding if rule.in_view(view) is None)
        in_view = (IN_FILMS.format(finding=known(name), view=str(view)) for name in missing)
        return (*in_view, *map(known, self.not_covered))

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


def parse_manifest(content: bytes, package: str) -> Manifest:
    """Parse and check `content`, the text of a `model.toml`. Raises PackageError, which names the package `package`."""
    try:
        return Manifest.model_validate(parse_shallow_toml(content))
    except ValidationError as problem:
        mistakes = problem.errors(include_url=False, include_input=False)
        detail = f"in {MANIFEST_NAME} " + "; ".join(_sentence(error) for error in mistakes[:MOST_MISTAKES])
        if len(mistakes) > MOST_MISTAKES:
            detail += f"; and {len(mistakes) - MOST_MISTAKES} more mistakes"
    except ValueError as problem:  # also a number of thousands of digits
        detail = f"{MANIFEST_NAME} is not valid TOML: {problem}"
    raise PackageError(f"The model package {package} is not loaded: {detail}.")


def _sentence(error: Any) -> str:
    key = _shown(".".join(str(part) for part in error["loc"])) or "the manifest"
    return f"{key}: {_printable(error['msg'].removeprefix('Value error, '))}"


def _shown(name: str) -> str:
    """A stranger's name for something, short and printable."""
    plain = _printable(name)
    return plain if len(plain) <= LONGEST_KEY else f"{plain[:LONGEST_KEY]}\N{HORIZONTAL ELLIPSIS}"


def _printable(text: str) -> str:
    """What a stranger wrote, so that it cannot steer the terminal of who installs a package."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
