"""Model packages: a folder with `model.toml`, the model, its card, the SHA-256 of each and, optionally, a signature."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from leapfrog.errors import PackageError
from leapfrog.packages.local_threshold import LocalThreshold
from leapfrog.packages.manifest import EDGE_TPU_MODEL_NAME, MANIFEST_NAME, MODEL_NAME, Manifest, parse_manifest
from leapfrog.packages.package_file import digests_of, open_plain
from leapfrog.packages.signature import SIGNATURE_FILE_BYTES, SIGNATURE_NAME, SignaturePolicy, SignatureState

SHIPPED_PACKAGES = Path(__file__).resolve().parent.parent / "models"
ANY_SIGNATURE = SignaturePolicy()  # accepts every package except one whose signature does not match
FLOAT_MODEL_NAME = "model_float.tflite"  # for comparison only
QUALITY_NAME = "quality.npz"
LARGEST_MANIFEST_BYTES = 256 * 1024  # the shipped ones have 12 kB at most


@dataclass(frozen=True)
class ModelPackage:
    """A package whose files match the hashes in its manifest. `digest` is the SHA-256 of its `model.toml`, and so
    stands for all of it. `local_thresholds` are those set at this box that are in `manifest` in the place of its own.
    """

    folder: Path
    manifest: Manifest
    signature: SignatureState = "none"
    digest: str = ""
    local_thresholds: tuple[LocalThreshold, ...] = ()

    @cached_property
    def model_path(self) -> Path:
        """The int8 model for the CPU."""
        return self.folder / MODEL_NAME

    @cached_property
    def edge_tpu_path(self) -> Path | None:
        """The model compiled for the Edge TPU, if the package has one."""
        return self._listed(EDGE_TPU_MODEL_NAME)

    @property
    def float_path(self) -> Path | None:
        """The model before quantization, if the package has it."""
        return self._listed(FLOAT_MODEL_NAME)

    @cached_property
    def quality_path(self) -> Path | None:
        """The parameters of the quality check, if the package has one."""
        return self._listed(QUALITY_NAME)

    def _listed(self, name: str) -> Path | None:
        return self.folder / name if name in self.manifest.files else None

    @property
    def name(self) -> str:
        """The name, the same for all versions."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """The version, comparable with `PackageVersion`."""
        return self.manifest.version

    @property
    def title(self) -> str:
        """Name and version, as reports and logs show them."""
        return f"{self.name} {self.version}"


def load_package(folder: Path, policy: SignaturePolicy = ANY_SIGNATURE) -> ModelPackage:
    """Read and verify the package in `folder`. Raises PackageError, which names the package and what is wrong.

    The signature is checked against exactly the bytes that are then parsed as the manifest.
    """
    content = _manifest_content(folder)
    signature = policy.state(content, _signature_content(folder))
    if refusal := policy.refusal(signature):
        raise PackageError(f"The model package {folder.name} is not loaded: {refusal}.")
    manifest = parse_manifest(content, folder.name)
    for name, actual in digests_of(folder, manifest.files):
        if actual != (expected := manifest.files[name]):
            raise PackageError(
                f"The model package {folder.name} is not loaded: {name} was altered or damaged (its SHA-256 is "
                f"{actual[:12]}…, model.toml says {expected[:12]}…). Get a fresh copy."
            )
    return ModelPackage(folder, manifest, signature, hashlib.sha256(content).hexdigest())


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the package in `folder`; neither files nor signature are verified. Raises PackageError."""
    return parse_manifest(_manifest_content(folder), folder.name)


def signature_state(folder: Path, policy: SignaturePolicy) -> SignatureState:
    """Whether the package in `folder` is signed, and whether the signature is valid and trusted. Raises PackageError if
    manifest or signature cannot be read.
    """
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
    with open_plain(folder, name) as stream:
        try:
            return stream.read(count)
        except OSError as problem:
            raise PackageError(
                f"The model package {folder.name} is not loaded: {name} cannot be read: {problem.strerror}."
            ) from problem
