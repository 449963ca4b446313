"""The packages that were installed on this box: installing one, and going back to the one before.

    models/                     in the state directory
      chest-findings_0.2.0/     one folder for each installed version; the highest that is sound is used
      chest-findings_0.3.0/
      .new-k2x/  .old-k2x/      what comes and what goes; those of a command that was cut short, the next one removes

A folder gets its place by one rename, after its files are durable, and leaves it by one: whenever the power goes, a
version is there whole or not at all.
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
    packages_in,
    packages_in_use,
    settings_policy,
)
from leapfrog.packages.manifest import Manifest
from leapfrog.packages.package import SHIPPED_PACKAGES, ModelPackage, load_package
from leapfrog.packages.signature import SignaturePolicy
from leapfrog.packages.version import PackageVersion
from leapfrog.processes.command_lines import our_program
from leapfrog.processes.trial import Trials
from leapfrog.settings import EngineSettings, Settings

NEW_PREFIX, OLD_PREFIX = ".new-", ".old-"
FOLDER_MODE = 0o755  # models are no secret, and the daemon's own user reads what root has installed
TRIAL_START_SECONDS = 60.0  # as a reader may take on a board that boots from an SD card
TRIAL_PROGRAM = "leapfrog.trials.model_trial"
RESTART = "Restart a Leapfrog that is running, since it looks for packages at its start: systemctl restart leapfrog"


@dataclass(frozen=True)
class Installed:
    """What `install_package` did. `former` is the package of that name which was used until then."""

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
        """The same for a person."""
        installed = f"{self.package.title} is installed (signature: {self.package.signature})."
        remove = f"`leapfrog models remove {self.package.name}`"
        if self.former is None:
            return installed, f"{remove} removes it again.", RESTART
        return installed, f"It replaces {self.former.title}; {remove} goes back to that version.", RESTART


@dataclass(frozen=True)
class Removed:
    """What `remove_package` did. `now` is the package that is used from now on, None when there is no other."""

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
        """The same for a person."""
        removed = f"{self.name} {self.version} is removed."
        if self.now is None:
            return removed, f"There is no other {self.name}: its images are not assessed.", *self.problems, RESTART
        return removed, f"{self.now.title} in {self.now.folder} is used again.", *self.problems, RESTART


def install_package(source: Path, settings: Settings) -> Installed:
    """Install the package in the folder or zip file `source` beside those that are there.

    Before it takes its place it has been copied, its signature and hashes were verified on the copy, and its model was
    run once. Raises PackageError for one that is not sound, not signed as the settings ask, cannot be run here, or has
    no higher version than the one in use; StorageError when the disk does not take it. Then nothing has changed.
    """
    directory = settings.state_dir / INSTALLED_NAME
    with _storage_errors(directory), opened_source(source) as opened:
        _make(settings.state_dir, directory)
        with _alone_in(directory):
            former = packages_in_use(settings).named(opened.manifest.name)
            _refuse_unless_higher(opened.manifest, former, directory, settings_policy(settings))
            _refuse_if_too_large(opened, settings)
            with _passing_folder(directory, NEW_PREFIX) as passing:
                staged = passing / f"{opened.manifest.name}{FOLDER_SEPARATOR}{opened.manifest.version}"
                staged.mkdir()
                staged.chmod(FOLDER_MODE)
                opened.copy_into(staged)
                package = load_package(staged, settings_policy(settings))
                if package.manifest != opened.manifest:
                    raise PackageError(f"{source} was altered while it was read: try again.")
                _try(package, settings.engine)
                place = directory / staged.name
                if place.exists():  # a damaged copy of this version, or one that the settings do not allow
                    _take_away(place)
                staged.rename(place)
                fsync_directory(directory)
            return Installed(load_package(place, settings_policy(settings)), former)


def remove_package(name: str, settings: Settings) -> Removed:
    """Take away the highest installed version of `name`, sound or not; the one before it takes over, at last the one
    that ships. Raises UsageError when none was installed, StorageError when the disk does not let go of it.
    """
    directory = settings.state_dir / INSTALLED_NAME
    if not directory.is_dir():
        raise UsageError(_nothing_installed(name, settings))
    with _storage_errors(directory), _alone_in(directory):
        installed = [one for one in packages_in(directory, settings_policy(settings)) if one.name == name]
        if not installed:
            raise UsageError(_nothing_installed(name, settings))
        _take_away(installed[0].folder)
    left = packages_in_use(settings)
    return Removed(name, installed[0].version, left.named(name), left.problems(name))


def _nothing_installed(name: str, settings: Settings) -> str:
    package = packages_in_use(settings).named(name)
    if package is None:
        return f"There is no package {name}: `leapfrog models list` shows those that there are."
    return f"{package.title} was not installed by `leapfrog models install` and stays: it lies in {package.folder}."


# ---------------------------------------------------------------- what is refused


def _refuse_unless_higher(
    manifest: Manifest, current: ModelPackage | None, directory: Path, policy: SignaturePolicy
) -> None:
    title, version = f"{manifest.name} {manifest.version}", PackageVersion.parse(manifest.version)
    if current is not None and current.folder.parent not in (directory, SHIPPED_PACKAGES):
        raise PackageError(
            f"{title} is not installed: {current.title} in {current.folder} goes before it, since models.paths names"
            " that folder. Replace it there, or take it out of models.paths."
        )
    back = f"`leapfrog models remove {manifest.name}` takes that away."
    if current is not None and version <= PackageVersion.parse(current.version):
        raise PackageError(
            f"{title} is not installed: {current.title} is in use, and a version can only grow."
            f"{f' {back}' if current.folder.parent == directory else ''}"
        )
    for other in packages_in(directory, policy):
        if other.name == manifest.name and other.version and version < PackageVersion.parse(other.version):
            raise PackageError(
                f"{title} is not installed: {other.name} {other.version} was, and a version can only grow. That is not"
                f" used, though ({other.folder} is damaged, or not signed as the settings ask): {back}"
            )


def _refuse_if_too_large(source: PackageSource, settings: Settings) -> None:
    free = shutil.disk_usage(settings.state_dir).free
    if free - source.byte_count < settings.retention.min_free_bytes:
        raise DiskFull(
            f"{source.title} is not installed: it has {source.byte_count} bytes and {free} are free, of which"
            f" retention.min_free_bytes = {settings.retention.min_free_bytes} must stay. Make room on the disk."
        )


def _try(package: ModelPackage, engine: EngineSettings) -> None:
    """Run the model once, in processes of its own, since a runtime may crash or hang on a file."""
    arguments = [
        "--package",
        str(package.folder),
        "--python",
        engine.interpreter,
        "--threads",
        str(engine.threads or 1),
    ]
    end = Trials().run(our_program(TRIAL_PROGRAM, *arguments), engine.deadline_seconds + TRIAL_START_SECONDS)
    if end.how == "late":
        raise PackageError(f"{package.title} is not installed: its model did not answer in time.")
    if end.status:
        why = end.printed.decode(errors="replace").strip() or f"The trial of its model ended with status {end.status}."
        raise PackageError(f"{package.title} is not installed: its model was run once, and failed. {why}")


# ---------------------------------------------------------------- the folder


def _make(state_dir: Path, directory: Path) -> None:
    state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    if not directory.is_dir():
        directory.mkdir()
        directory.chmod(FOLDER_MODE)
        fsync_directory(state_dir)


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """No other command changes the installed packages meanwhile. What one left that was cut short is removed."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateDirectoryHeld(f"Another command works with {directory}: try again when it has ended.") from None
        for prefix in (NEW_PREFIX, OLD_PREFIX):
            for leftover in directory.glob(f"{prefix}*"):
                shutil.rmtree(leftover)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _passing_folder(directory: Path, prefix: str) -> Iterator[Path]:
    """A folder beside the packages, out of sight of all that looks for them, for as long as the block takes."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=directory))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _take_away(package: Path) -> None:
    with _passing_folder(package.parent, OLD_PREFIX) as passing:
        package.rename(passing / package.name)
        fsync_directory(package.parent)


@contextmanager
def _storage_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise StorageError(
            f"The packages in {directory} cannot be changed: {problem.strerror} ({problem.filename}). Run this as root"
            " or as the owner of the state directory, and make room where the disk is full."
        ) from problem
