"""Writing model packages: the folder that a kiosk loads."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from leapfrog.durable import write_durably
from leapfrog.packages.manifest import EDGE_TPU_MODEL_NAME, MANIFEST_NAME, MODEL_NAME, EdgeTpuModel, Manifest
from leapfrog.packages.package import QUALITY_NAME, load_package, read_manifest
from leapfrog.packages.signature import SIGNATURE_NAME
from leapfrog.packages.version import PackageVersion
from leapfrog_training.errors import TrainingError

CARD_NAME = "card.md"
QUALITY_METRICS = "quality"  # the table of `metrics` that belongs to the quality check


def write_package(
    folder: Path, manifest: Manifest, model: bytes, card: str, extra_files: Mapping[str, bytes] | None = None
) -> None:
    """Write a package of model, card and `extra_files` (the card's figures, by name) into `folder`, with their hashes
    in the manifest.

    If the folder holds an earlier version, its quality check and the check's metrics are kept, because they describe
    the pictures that the model is for, not the network. Every other file is removed, including the signature, which
    would be invalid. `model.toml` is written last, so that an incomplete folder does not load.

    Raises TrainingError if the data's licence or citation is missing, or if the folder holds this package in the same
    or a higher version; PackageError if the package there cannot be read.
    """
    _refuse_without_origin(manifest)
    _refuse_unless_higher(folder, manifest)
    folder.mkdir(parents=True, exist_ok=True)
    contents = {MODEL_NAME: model, CARD_NAME: card.encode(), **(extra_files or {})}
    metrics = dict(manifest.metrics)
    if (folder / QUALITY_NAME).exists() and (folder / MANIFEST_NAME).exists():
        earlier = load_package(folder)
        if earlier.quality_path is not None:
            contents[QUALITY_NAME] = earlier.quality_path.read_bytes()
            metrics[QUALITY_METRICS] = earlier.manifest.metrics.get(QUALITY_METRICS, {})
    (folder / MANIFEST_NAME).unlink(missing_ok=True)
    for stale in folder.iterdir():
        if stale.name not in contents:
            stale.unlink()
    for name, content in contents.items():
        write_durably(folder / name, content, mode=0o644)
    files = {name: sha256(content) for name, content in contents.items()}
    _write_manifest(folder, manifest.model_copy(update={"files": files, "metrics": metrics}))
    load_package(folder)


def add_edge_tpu_model(folder: Path, content: bytes, edge_tpu: EdgeTpuModel) -> None:
    """Add or replace the compiled model of the package in `folder`. A signature is removed, since it becomes invalid.

    The package can be loaded at any moment; until the new model is in place, it has no compiled one. Raises
    PackageError for a damaged package, OSError if the disk fails or is full.
    """
    manifest = load_package(folder).manifest
    files = {name: sha256 for name, sha256 in manifest.files.items() if name != EDGE_TPU_MODEL_NAME}
    (folder / SIGNATURE_NAME).unlink(missing_ok=True)
    if files != manifest.files:
        _write_manifest(folder, manifest.model_copy(update={"files": files, "edge_tpu": None}))
    write_durably(folder / EDGE_TPU_MODEL_NAME, content, mode=0o644)
    files[EDGE_TPU_MODEL_NAME] = sha256(content)
    _write_manifest(folder, manifest.model_copy(update={"files": files, "edge_tpu": edge_tpu}))


def _refuse_without_origin(manifest: Manifest) -> None:
    for key, value in (("licence", manifest.data.licence), ("citation", manifest.data.citation)):
        if not value.strip():
            raise TrainingError(f"{manifest.name} {manifest.version} was not written: fill in data.{key} first")


def _refuse_unless_higher(folder: Path, manifest: Manifest) -> None:
    """Raise TrainingError unless the version is new: kiosks tell packages apart by version, so none may be reused."""
    if not (folder / MANIFEST_NAME).exists():
        return
    earlier = read_manifest(folder)
    is_higher = PackageVersion.parse(manifest.version) > PackageVersion.parse(earlier.version)
    if earlier.name == manifest.name and not is_higher:
        raise TrainingError(
            f"{manifest.name} {manifest.version} was not written: {folder} already holds version {earlier.version};"
            " give a higher --version"
        )


def add_file(folder: Path, name: str, content: bytes, metrics: Mapping[str, Any] | None = None) -> None:
    """Add or replace a file of the package in `folder`, with its hash, and merge `metrics` into the package's metrics.

    The package must be intact. A signature is removed, since it becomes invalid. Raises PackageError for a damaged
    package, TrainingError if `name` is not a plain file name.
    """
    if Path(name).name != name or name in (MANIFEST_NAME, SIGNATURE_NAME):
        raise TrainingError(f"{name!r} cannot be added to a package: give the plain name of a file")
    manifest = load_package(folder).manifest
    write_durably(folder / name, content, mode=0o644)
    (folder / SIGNATURE_NAME).unlink(missing_ok=True)
    changes = {
        "files": {**manifest.files, name: sha256(content)},
        "metrics": {**manifest.metrics, **(metrics or {})},
    }
    _write_manifest(folder, manifest.model_copy(update=changes))


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    document = manifest.model_dump(mode="json", exclude_none=True)
    write_durably(folder / MANIFEST_NAME, tomli_w.dumps(document).encode(), mode=0o644)


def sha256(content: bytes) -> str:
    """The hash of a file's content, as `model.toml` has it."""
    return hashlib.sha256(content).hexdigest()
