"""Makes a bundle, at the district: settings and model packages, checked as a box will check them, and signed."""

import hashlib
import os
import stat
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from leapfrog.bundle_state import LARGEST_NUMBER, MODELS_NAME, SETTINGS_NAME
from leapfrog.bundles.bundle_file import (
    FILE_MODE,
    LABEL,
    LIST_NAME,
    SIGNATURE_NAME,
    SIGNED_AS,
    BundledFile,
    BundleList,
)
from leapfrog.district_key import DistrictKey
from leapfrog.durable import fsync_directory
from leapfrog.errors import BundleError, SettingsError, StorageError, UsageError
from leapfrog.packages.catalogue import FOLDER_SEPARATOR, DamagedPackage, packages_in
from leapfrog.packages.manifest import MANIFEST_NAME
from leapfrog.packages.package import ANY_SIGNATURE, ModelPackage
from leapfrog.packages.package_file import CHUNK_BYTES
from leapfrog.packages.signature import SIGNATURE_NAME as PACKAGE_SIGNATURE
from leapfrog.settings import of_layers
from leapfrog.settings.bundled import require_bundle_keys
from leapfrog.settings.layers import Layer

Sources = dict[str, Path]  # each file by its path in the bundle


@dataclass(frozen=True)
class Made:
    """A bundle that was written."""

    path: Path
    number: int
    byte_count: int
    settings: tuple[str, ...]
    packages: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same for a person."""
        settings = ", ".join(self.settings) or "none"
        packages = ", ".join(self.packages) or "none"
        return (
            f"{self.path}: bundle {self.number}, {self.byte_count / 1e6:.1f} MB.",
            f"Settings: {settings}. Models: {packages}.",
            "Try it on one box before all of them can get it: carry it there on a stick (`leapfrog import`).",
        )


def make_bundle(out: Path, number: int, settings_file: Path | None, models: Sequence[Path], key: DistrictKey) -> Made:
    """Write bundle `number` to the new file `out`. `models` are folders of packages, or folders with such folders.

    Raises SettingsError or BundleError when a box could not use it, UsageError when there is nothing to put into it or
    `out` exists, StorageError when it cannot be written.
    """
    if not 1 <= number <= LARGEST_NUMBER:
        raise UsageError(f"--number {number}: use a whole number from 1 to {LARGEST_NUMBER}, higher than the last one.")
    if settings_file is None and not models:
        raise UsageError("A bundle needs --settings, --models, or both.")
    if out.exists():
        raise UsageError(f"{out} exists already. A bundle is never written over: choose another name.")
    sources: Sources = {}
    keys: tuple[str, ...] = ()
    if settings_file is not None:
        keys = _checked_settings(settings_file)
        sources[SETTINGS_NAME] = settings_file
    packages = list(_packages(models))
    for package in packages:
        sources |= _files_of(package)
    listed = BundleList(
        number=number,
        made_at=datetime.now().astimezone().isoformat(timespec="seconds"),
        files={name: _digested(source) for name, source in sources.items()},
    )
    try:
        _write(out, listed, sources, key)
    except OSError as problem:
        raise StorageError(f"{out} cannot be written: {problem.strerror}.") from problem
    return Made(out, number, out.stat().st_size, keys, tuple(package.title for package in packages))


def _checked_settings(file: Path) -> tuple[str, ...]:
    layer = Layer.of_file(file)
    require_bundle_keys(layer)
    of_layers([Layer(str(file), layer.document)])
    if not (keys := tuple(f"{section}.{key}" for section, key in layer.entries())):
        raise SettingsError(f"{file} sets nothing: every line in it is a comment, or it is empty.")
    return keys


def _packages(folders: Iterable[Path]) -> Iterator[ModelPackage]:
    seen: set[str] = set()
    for folder in folders:
        found = packages_in(folder, ANY_SIGNATURE)
        if not found:
            raise UsageError(f"{folder} holds no model package: none of its folders has a {MANIFEST_NAME}.")
        for package in found:
            if isinstance(package, DamagedPackage):
                raise BundleError(package.reason)
            if package.name in seen:
                raise UsageError(f"There are two packages {package.name}: a bundle has one version of each.")
            seen.add(package.name)
            yield package


def _files_of(package: ModelPackage) -> Sources:
    inside = f"{MODELS_NAME}/{package.name}{FOLDER_SEPARATOR}{package.version}"
    signed = [PACKAGE_SIGNATURE] if (package.folder / PACKAGE_SIGNATURE).exists() else []
    return {f"{inside}/{name}": package.folder / name for name in (MANIFEST_NAME, *signed, *package.manifest.files)}


def _digested(source: Path) -> BundledFile:
    digest, count = hashlib.sha256(), 0
    with source.open("rb") as stream:
        while part := stream.read(CHUNK_BYTES):
            digest.update(part)
            count += len(part)
    return BundledFile(byte_count=count, sha256=digest.hexdigest())


def _write(out: Path, listed: BundleList, sources: Sources, key: DistrictKey) -> None:
    content = listed.model_dump_json(indent=1).encode()
    temporary = out.with_name(f".{out.name}.part")
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr(_entry(LABEL.format(number=listed.number)), b"")
            archive.writestr(_entry(LIST_NAME), content)
            archive.writestr(_entry(SIGNATURE_NAME), key.sign(SIGNED_AS + content))
            for name, source in sources.items():
                entry = _entry(name)
                entry.compress_type = zipfile.ZIP_DEFLATED
                with source.open("rb") as stream, archive.open(entry, "w") as member:
                    while part := stream.read(CHUNK_BYTES):
                        member.write(part)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(FILE_MODE)
        temporary.replace(out)
        fsync_directory(out.absolute().parent)
    finally:
        temporary.unlink(missing_ok=True)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980, so that the same bundle made twice is the same file but for its list
    entry.external_attr = (stat.S_IFREG | FILE_MODE) << 16
    return entry
