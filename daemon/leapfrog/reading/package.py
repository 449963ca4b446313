"""Model packages: a folder with `model.toml`, the model, its card and the SHA-256 of each. Runs on both sides."""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from leapfrog.errors import PackageError
from leapfrog.reading.job import Code, Frozen

SHIPPED_PACKAGES = Path(__file__).resolve().parent.parent / "models"
MANIFEST_NAME = "model.toml"
MODEL_NAME = "model.tflite"
EDGE_TPU_MODEL_NAME = "model_edgetpu.tflite"
QUALITY_NAME = "quality.npz"
LARGEST_FILE_BYTES = 256 * 1024 * 1024  # far above any model for the Edge TPU; keeps a stray file from being hashed

Task = Literal["classification", "segmentation"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class AppliesTo(Frozen):
    """What the model was made for, in DICOM's defined terms: (0008,0060), (0018,0015) and (0018,5101)."""

    modalities: tuple[str, ...] = Field(min_length=1)
    body_parts: tuple[str, ...] = Field(min_length=1)
    views: tuple[str, ...] = ()


class ModelInput(Frozen):
    """The picture that the model takes, in pixels; "symmetric" scaling is gray / 127.5 - 1."""

    height: int = Field(ge=8, le=4096)
    width: int = Field(ge=8, le=4096)
    channels: Literal[1] = 1
    scaling: Literal["symmetric"] = "symmetric"


class ModelOutputs(Frozen):
    """Which output tensor is which, by its index in the model."""

    scores: int | None = Field(default=None, ge=0)
    heatmap: int | None = Field(default=None, ge=0)
    mask: int | None = Field(default=None, ge=0)


class Calibration(Frozen):
    """Platt scaling: the displayed score is 1 / (1 + exp(-(a * logit(p) + b))) for the model's own score p."""

    a: float = 1.0
    b: float = 0.0


class FindingRule(Frozen):
    """A finding that the model can state. `threshold` is on the calibrated score."""

    name: str = Field(min_length=1)
    code: Code
    threshold: Fraction
    calibration: Calibration = Calibration()
    urgent: bool = False


class MeasurementRule(Frozen):
    """What a segmentation measures, with its code and unit (UCUM).

    The line that is measured runs where the mask crosses `level`. Annotators draw an outline beside the edge that they
    measure; training finds the level at which the measurement carries no bias from that.
    """

    name: str = Field(min_length=1)
    code: Code
    unit: Literal["mm"] = "mm"
    level: float = Field(default=0.5, ge=0.5, le=0.9)


class EdgeTpuModel(Frozen):
    """The compiled model, with what edgetpu_compiler said of it: operations by where they run, bytes of parameters
    kept on the chip and streamed at each inference. Models of the packages in `compiled_with` share the chip with it.
    """

    file: str = EDGE_TPU_MODEL_NAME
    compiler_version: str
    operations: int = Field(ge=0)
    operations_on_cpu: int = Field(ge=0)
    on_chip_bytes: int = Field(ge=0)
    streamed_bytes: int = Field(ge=0)
    compiled_with: tuple[str, ...] = ()


class DataSource(Frozen):
    """The images that the model was made from."""

    name: str = ""
    licence: str = ""
    citation: str = ""


class Manifest(Frozen):
    """`model.toml`, checked. `metrics` are the scores as measured, for the card and the report."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    version: str = Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$")
    task: Task
    demonstration: bool
    intended_use: str = Field(min_length=1)
    not_covered: tuple[str, ...] = ()
    applies_to: AppliesTo
    input: ModelInput
    outputs: ModelOutputs
    finding: tuple[FindingRule, ...] = Field(min_length=1)
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
                raise ValueError(f"{name!r} must be the plain name of a file in the package")
        if MODEL_NAME not in files:
            raise ValueError(f"{MODEL_NAME} must be listed with its SHA-256")
        return files

    @model_validator(mode="after")
    def _has_what_its_task_needs(self) -> Self:
        if self.task == "classification" and self.outputs.scores is None:
            raise ValueError("a classification needs outputs.scores")
        if self.task == "segmentation" and (self.outputs.mask is None or len(self.finding) != 1):
            raise ValueError("a segmentation needs outputs.mask and exactly one [[finding]]")
        if self.edge_tpu is not None and self.edge_tpu.file not in self.files:
            raise ValueError(f"{self.edge_tpu.file} must be listed with its SHA-256")
        return self


@dataclass(frozen=True)
class ModelPackage:
    """A package whose files are what its manifest says."""

    folder: Path
    manifest: Manifest

    @cached_property
    def model_path(self) -> Path:
        """The int8 model for the CPU."""
        return self.folder / MODEL_NAME

    @cached_property
    def quality_path(self) -> Path | None:
        """The parameters of the quality check, where the package has one."""
        return self.folder / QUALITY_NAME if QUALITY_NAME in self.manifest.files else None

    @property
    def title(self) -> str:
        """Name and version, as reports and logs say it."""
        return f"{self.manifest.name} {self.manifest.version}"


@dataclass(frozen=True)
class DamagedPackage:
    """A folder that looks like a package and is not loaded, with the reason in a sentence."""

    folder: Path
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """The packages in use, one per name, and the folders that could not be loaded."""

    packages: tuple[ModelPackage, ...]
    damaged: tuple[DamagedPackage, ...]

    def listing(self) -> list[dict[str, object]]:
        """What `leapfrog models list --json` prints; a damaged package is listed with `verified` false and `reason`."""
        listed: list[dict[str, object]] = [_entry(package) for package in self.packages]
        return listed + [
            {
                "name": broken.folder.name,
                "version": "",
                "task": "",
                "demonstration": False,
                "verified": False,
                "path": str(broken.folder),
                "reason": broken.reason,
            }
            for broken in self.damaged
        ]


def _entry(package: ModelPackage) -> dict[str, object]:
    manifest = package.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "task": manifest.task,
        "demonstration": manifest.demonstration,
        "verified": True,
        "path": str(package.folder),
        "reason": "",
    }


def package_directories(state_dir: Path, configured: Iterable[Path] = ()) -> tuple[Path, ...]:
    """Where packages are looked for, the strongest first: the settings, then the box's own, then those that ship."""
    return (*configured, state_dir / "models", SHIPPED_PACKAGES)


def find_packages(directories: Iterable[Path]) -> Catalogue:
    """Load every package in `directories`; each is a package itself or holds packages.

    The first directory that has a sound package of a name wins, so an installed package replaces the one that ships.
    A damaged one is reported and does not hide a sound one of the same name.
    """
    packages: dict[str, ModelPackage] = {}
    damaged: list[DamagedPackage] = []
    for folder in _package_folders(directories):
        try:
            package = load_package(folder)
        except PackageError as problem:
            damaged.append(DamagedPackage(folder, str(problem)))
        else:
            packages.setdefault(package.manifest.name, package)
    return Catalogue(tuple(packages.values()), tuple(damaged))


def _package_folders(directories: Iterable[Path]) -> Iterable[Path]:
    for directory in directories:
        if (directory / MANIFEST_NAME).is_file():
            yield directory
        elif directory.is_dir():
            yield from sorted(path.parent for path in directory.glob(f"[!.]*/{MANIFEST_NAME}"))


def load_package(folder: Path) -> ModelPackage:
    """Read and verify the package in `folder`. Raises PackageError, which names the package and what is wrong."""
    manifest = _read_manifest(folder)
    for name, expected in manifest.files.items():
        if (found := _sha256(folder, name)) != expected:
            raise PackageError(
                f"The model package {folder.name} is not loaded: {name} was altered or damaged (its SHA-256 is "
                f"{found[:12]}…, model.toml says {expected[:12]}…). Install the package again."
            )
    return ModelPackage(folder, manifest)


def _read_manifest(folder: Path) -> Manifest:
    try:
        document = tomllib.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
        return Manifest.model_validate(document)
    except OSError as problem:
        detail = f"{MANIFEST_NAME} cannot be read: {problem.strerror}"
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        detail = f"{MANIFEST_NAME} is not valid TOML: {problem}"
    except ValidationError as problem:
        detail = f"in {MANIFEST_NAME} " + "; ".join(_sentence(error) for error in problem.errors())
    raise PackageError(f"The model package {folder.name} is not loaded: {detail}.")


def _sentence(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "the whole"
    return f"{key}: {error['msg'].removeprefix('Value error, ')}"


def _sha256(folder: Path, name: str) -> str:
    path = folder / name
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise PackageError(f"The model package {folder.name} is not loaded: {name} is too large for a model.")
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as problem:
        raise PackageError(
            f"The model package {folder.name} is not loaded: {name} cannot be read ({problem.strerror})."
        ) from problem
