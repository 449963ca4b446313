"""The packages installed on this box: installs one, and removes it to go back to the version before.

    models/                     in the state directory
      chest-findings_0.2.0/     one folder for each installed version; the highest undamaged one is used
      chest-findings_0.3.0/
      .new-k2x/  .old-k2x/      being installed, being removed; the next command deletes what a crash left

One rename puts a folder into place, after its files are durable, and one rename takes it out again. So a version is
there whole or not at all, whenever the power fails.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leapfrog.commands.models.source import PackageSource, opened_source
from leapfrog.durable import fsync_directory
from leapfrog.errors import DiskFull, PackageError, StateDirectoryHeld, StorageError, UsageError
from leapfrog.packages.catalogue import (
    FOLDER_SEPARATOR,
    INSTALLED_NAME,
    bundled_models,
    packages_in,
    packages_in_use,
    settings_policy,
)
from leapfrog.packages.manifest import Manifest
from leapfrog.packages.package import SHIPPED_PACKAGES, ModelPackage, load_package
from leapfrog.packages.signature import SignaturePolicy
from leapfrog.packages.version import PackageVersion
from leapfrog.processes.model_trying import why_model_fails
from leapfrog.settings import Settings

NEW_PREFIX, OLD_PREFIX = ".new-", ".old-"
FOLDER_MODE = 0o755  # models are not secret, and the daemon's own user must read what root installs
RESTART = "If Leapfrog is running, restart it to use the change: systemctl restart leapfrog"


@dataclass(frozen=True)
class Installed:
    """What `install_package` did. `former` is the package of that name that was in use before."""

    package: ModelPackage
    former: ModelPackage | None

    def as_json(self) -> dict[str, Any]:
        """The shape of `leapfrog models install --json`."""
        return {
            "name": self.package.name,
            "version": self.package.version,
            "signature": self.package.signature,
            "path": str(self.package.folder),
            "former": self.former.version if self.former else None,
        }

    def sentences(self) -> tuple[str, ...]:
        """The result for a person to read."""
        done = f"{self.package.title} is installed (signature: {self.package.signature})."
        remove = f"`leapfrog models remove {self.package.name}`"
        if self.former is None:
            return done, f"To remove it again: {remove}.", RESTART
        return done, f"It replaces {self.former.title}. To go back to that: {remove}.", RESTART


@dataclass(frozen=True)
class Removed:
    """What `remove_package` did. `now` is the package of that name that is used instead, None when there is none."""

    name: str
    version: str
    now: ModelPackage | None
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The shape of `leapfrog models remove --json`."""
        return {
            "name": self.name,
            "removed": self.version,
            "now": self.now.version if self.now else None,
            "path": str(self.now.folder) if self.now else None,
            "problems": list(self.problems),
        }

    def sentences(self) -> tuple[str, ...]:
        """The result for a person to read."""
        done = f"{self.name} {self.version} was removed."
        if self.now is None:
            return (
                done,
                f"No package {self.name} is left: its images are not assessed.",
                *self.problems,
                RESTART,
            )
        return done, f"{self.now.title} in {self.now.folder} is in use again.", *self.problems, RESTART


def install_package(source: Path, settings: Settings) -> Installed:
    """Install the package in the folder or zip file `source` beside those that are already installed.

    First it is copied, the signature and hashes of the copy are verified, and its model is run once. Raises
    PackageError when the package is damaged, is not signed as the settings require, cannot run here, or is no higher
    version than the one in use; StorageError when it cannot be written. After an error nothing has changed.
    """
    directory = settings.state_dir / INSTALLED_NAME
    with _storage_errors(directory), opened_source(source) as opened:
        _create(settings.state_dir, directory)
        with _locked(directory):
            former = packages_in_use(settings).named(opened.manifest.name)
            _refuse_unless_higher(opened.manifest, former, directory, settings_policy(settings))
            _refuse_if_too_large(opened, settings)
            with _temporary_folder(directory, NEW_PREFIX) as temporary:
                staged = temporary / f"{opened.manifest.name}{FOLDER_SEPARATOR}{opened.manifest.version}"
                staged.mkdir()
                staged.chmod(FOLDER_MODE)
                opened.copy_into(staged)
                package = load_package(staged, settings_policy(settings))
                if package.manifest != opened.manifest:
                    raise PackageError(f"{source} changed while it was being copied. Try again.")
                if reason := why_model_fails(package, settings.engine):
                    raise PackageError(f"{package.title} is not installed: {reason}")
                target = directory / staged.name
                if target.exists():  # this version, but damaged or not allowed by the settings
                    _delete(target)
                staged.rename(target)
                fsync_directory(directory)
            return Installed(load_package(target, settings_policy(settings)), former)


def remove_package(name: str, settings: Settings) -> Removed:
    """Remove the highest installed version of `name`, damaged or not. The version before it is used again, or finally
    the one that ships. Raises UsageError when none is installed, StorageError when it cannot be removed.
    """
    directory = settings.state_dir / INSTALLED_NAME
    if not directory.is_dir():
        raise UsageError(_nothing_installed(name, settings))
    with _storage_errors(directory), _locked(directory):
        versions = [one for one in packages_in(directory, settings_policy(settings)) if one.name == name]
        if not versions:
            raise UsageError(_nothing_installed(name, settings))
        _delete(versions[0].folder)
    remaining = packages_in_use(settings)
    return Removed(name, versions[0].version, remaining.named(name), remaining.problems(name))


def _nothing_installed(name: str, settings: Settings) -> str:
    package = packages_in_use(settings).named(name)
    if package is None:
        return f"There is no package {name}. `leapfrog models list` shows all packages."
    return f"{package.title} in {package.folder} was not removed: `leapfrog models install` did not install it."


# ---------------------------------------------------------------- checks before installing


def _refuse_unless_higher(
    manifest: Manifest, current: ModelPackage | None, directory: Path, policy: SignaturePolicy
) -> None:
    title, version = f"{manifest.name} {manifest.version}", PackageVersion.parse(manifest.version)
    replaceable = (directory, *bundled_models(directory.parent), SHIPPED_PACKAGES)
    if current is not None and current.folder.parent not in replaceable:
        raise PackageError(
            f"{title} is not installed: {current.title} in {current.folder} comes first, since models.paths names"
            " that folder. Replace the package there, or remove the folder from models.paths."
        )
    remove = f"To remove that version: `leapfrog models remove {manifest.name}`."
    if current is not None and version <= PackageVersion.parse(current.version):
        raise PackageError(
            f"{title} is not installed: {current.title} is in use, and only a higher version can replace it."
            f"{f' {remove}' if current.folder.parent == directory else ''}"
        )
    for other in packages_in(directory, policy):
        if other.name == manifest.name and other.version and version < PackageVersion.parse(other.version):
            raise PackageError(
                f"{title} is not installed: {other.name} {other.version} is installed, and only a higher version can"
                f" replace it. It is not used, though: {other.folder} is damaged, or not signed as the settings"
                f" require. {remove}"
            )


def _refuse_if_too_large(source: PackageSource, settings: Settings) -> None:
    free = shutil.disk_usage(settings.state_dir).free
    if free - source.byte_count < settings.retention.min_free_bytes:
        raise DiskFull(
            f"{source.title} is not installed: it needs {source.byte_count} bytes and {free} are free, of which"
            f" {settings.retention.min_free_bytes} must stay free (retention.min_free_bytes). Make room on the disk."
        )


# ---------------------------------------------------------------- the folder


def _create(state_dir: Path, directory: Path) -> None:
    state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    if not directory.is_dir():
        directory.mkdir()
        directory.chmod(FOLDER_MODE)
        fsync_directory(state_dir)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep other commands from changing the installed packages, and delete what an interrupted one left behind."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateDirectoryHeld(
                f"Another command is changing {directory}. Try again when it has finished."
            ) from None
        for prefix in (NEW_PREFIX, OLD_PREFIX):
            for leftover in directory.glob(f"{prefix}*"):
                shutil.rmtree(leftover)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _temporary_folder(directory: Path, prefix: str) -> Iterator[Path]:
    """A folder beside the packages that nobody takes for a package. It is deleted when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=directory))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _delete(package: Path) -> None:
    with _temporary_folder(package.parent, OLD_PREFIX) as temporary:
        package.rename(temporary / package.name)
        fsync_directory(package.parent)


@contextmanager
def _storage_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise StorageError(
            f"The packages in {directory} cannot be changed: {problem.strerror} ({problem.filename}). Run this as root"
            " or as the owner of the state directory. If the disk is full, make room on it."
        ) from problem
