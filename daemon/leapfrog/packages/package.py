"""Model packages: a folder with `model.toml`, the model, its card, the SHA-256 of each and, optionally, a signature."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from leapfrog.errors import PackageError
from leapfrog.packages.manifest import EDGE_TPU_MODEL_NAME, MANIFEST_NAME, MODEL_NAME, Manifest, parse_manifest
from leapfrog.packages.signature import SIGNATURE_FILE_BYTES, SIGNATURE_NAME, SignaturePolicy, SignatureState

SHIPPED_PACKAGES = Path(__file__).resolve().parent.parent / "models"
ANY_SIGNATURE = SignaturePolicy()  # takes all but a signature that does not fit
FLOAT_MODEL_NAME = "model_float.tflite"  # only to be compared with
QUALITY_NAME = "quality.npz"
LARGEST_FILE_BYTES = 256 * 1024 * 1024  # far above any model for the Edge TPU; keeps a stray file from being hashed
LARGEST_MANIFEST_BYTES = 1024 * 1024  # those that ship have 4 kB


@dataclass(frozen=True)
class ModelPackage:
    """A package whose files are what its manifest says."""

    folder: Path
    manifest: Manifest
    signature: SignatureState = "none"

    @cached_property
    def model_path(self) -> Path:
        """The int8 model for the CPU."""
        return self.folder / MODEL_NAME

    @cached_property
    def edge_tpu_path(self) -> Path | None:
        """The model that edgetpu_compiler made, where the package has one."""
        return self._listed(EDGE_TPU_MODEL_NAME)

    @property
    def float_path(self) -> Path | None:
        """The model before it was quantized, where the package has it."""
        return self._listed(FLOAT_MODEL_NAME)

    @cached_property
    def quality_path(self) -> Path | None:
        """The parameters of the quality check, where the package has one."""
        return self._listed(QUALITY_NAME)

    def _listed(self, name: str) -> Path | None:
        return self.folder / name if name in self.manifest.files else None

    @property
    def name(self) -> str:
        """Of all its versions."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """As `PackageVersion` compares it."""
        return self.manifest.version

    @property
    def title(self) -> str:
        """Name and version, as reports and logs say it."""
        return f"{self.name} {self.version}"


def load_package(folder: Path, policy: SignaturePolicy = ANY_SIGNATURE) -> ModelPackage:
    """Read and verify the package in `folder`. Raises PackageError, which names the package and what is wrong.

    The signature is checked on the very bytes that are then read as the manifest.
    """
    content = _manifest_content(folder)
    signature = policy.state(content, _signature_content(folder))
    if refusal := policy.refusal(signature):
        raise PackageError(f"The model package {folder.name} is not loaded: {refusal}.")
    manifest = parse_manifest(content, folder.name)
    for name, expected in manifest.files.items():
        if (found := _sha256(folder, name)) != expected:
            raise PackageError(
                f"The model package {folder.name} is not loaded: {name} was altered or damaged (its SHA-256 is "
                f"{found[:12]}…, model.toml says {expected[:12]}…). Get the package anew."
            )
    return ModelPackage(folder, manifest, signature)


def read_manifest(folder: Path) -> Manifest:
    """What the package in `folder` says of itself; nothing is verified. Raises PackageError."""
    return parse_manifest(_manifest_content(folder), folder.name)


def signature_state(folder: Path, policy: SignaturePolicy) -> SignatureState:
    """How the signature of the package in `folder` stands to its manifest. Raises PackageError for unreadable ones."""
    return policy.state(_manifest_content(folder), _signature_content(folder))


def _manifest_content(folder: Path) -> bytes:
    content = _first_bytes(folder, MANIFEST_NAME, LARGEST_MANIFEST_BYTES + 1)
    if len(content) > LARGEST_MANIFEST_BYTES:
        raise PackageError(f"The model package {folder.name} is not loaded: {MANIFEST_NAME} is too large.")
    return content


def _signature_content(folder: Path) -> bytes | None:
    signed = (folder / SIGNATURE_NAME).exists()
    return _first_bytes(folder, SIGNATURE_NAME, SIGNATURE_FILE_BYTES + 1) if signed else None


def _first_bytes(folder: Path, name: str, count: int) -> bytes:
    try:
        with (folder / name).open("rb") as stream:
            return stream.read(count)
    except OSError as problem:
        raise PackageError(
            f"The model package {folder.name} is not loaded: {name} cannot be read: {problem.strerror}."
        ) from problem


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
