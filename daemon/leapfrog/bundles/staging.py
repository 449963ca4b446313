"""A bundle is laid out beside the one in use, and looked through as the box would use it: only then is it noted as the
one to try.

    bundles/                in the state directory
      state.json            which one counts
      6/  7/                the present one, the one before, the one to try: settings.toml and models/
      .new-7/               being laid out; the next start deletes what a crash left
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from leapfrog.bundle_state import (
    FOLDER_MODE,
    MODELS_NAME,
    BundleState,
    bundle_folder,
    bundles_folder,
    change_state,
    make_folder,
)
from leapfrog.bundles.bundle_file import OpenedBundle, opened_bundle
from leapfrog.bundles.offered import require_newer, trusted_key
from leapfrog.durable import fsync_directory
from leapfrog.errors import BundleError, DiskFull, SettingsError, StorageError
from leapfrog.packages.catalogue import DamagedPackage, packages_in, settings_policy
from leapfrog.packages.package import ModelPackage
from leapfrog.processes.model_trying import why_model_fails
from leapfrog.processes.trial import Trials
from leapfrog.settings import Settings, settings_with_bundle
from leapfrog.settings.layers import Layer

NEW_PREFIX = ".new-"


def stage(path: Path, settings: Settings, site: Layer, trials: Trials | None = None) -> int:
    """Lay the bundle in the file `path` out and note it as the one to try. Returns its number. `site` is the box's own
    settings file. `trials` may stop what takes long.

    Raises BundleError when it is not signed, damaged, or not newer: then nothing has changed. Raises BundleError also
    when this box cannot use it: then its number is used up. Raises DiskFull or StorageError when it cannot be written.
    """
    state_dir = settings.state_dir
    with opened_bundle(path, trusted_key(settings)) as bundle:
        require_newer(bundle.number, state_dir)
        _require_room(bundle, settings)
        try:
            _lay_out(bundle, state_dir)
        except OSError as problem:
            raise StorageError(f"Bundle {bundle.number} cannot be written: {problem.strerror}.") from problem
        number = bundle.number
    try:
        _look_through(number, settings, site, trials)
    except (BundleError, SettingsError) as problem:
        reason = str(problem)
        change_state(state_dir, lambda state: state.refused(number, reason))
        remove(bundle_folder(state_dir, number))
        raise BundleError(f"Bundle {number} cannot be used on this box. {reason}") from problem
    change_state(state_dir, lambda state: state.to_try(number))
    return number


def _require_room(bundle: OpenedBundle, settings: Settings) -> None:
    free = shutil.disk_usage(settings.state_dir).free
    if free - bundle.listed.byte_count < settings.retention.min_free_bytes:
        raise DiskFull(
            f"Bundle {bundle.number} is not laid out: it needs {bundle.listed.byte_count} bytes and {free} are free, of"
            f" which {settings.retention.min_free_bytes} must stay free (retention.min_free_bytes)."
        )


def _lay_out(bundle: OpenedBundle, state_dir: Path) -> None:
    folder = bundles_folder(state_dir)
    make_folder(folder)
    new, target = folder / f"{NEW_PREFIX}{bundle.number}", bundle_folder(state_dir, bundle.number)
    for leftover in (new, target):
        remove(leftover)
    new.mkdir()
    new.chmod(FOLDER_MODE)
    try:
        bundle.unpack_into(new)
        new.rename(target)
        fsync_directory(folder)
    except BaseException:
        remove(new)
        raise


def _look_through(number: int, settings: Settings, site: Layer, trials: Trials | None) -> None:
    """Raise SettingsError or BundleError for what this box could not use."""
    wanted = settings_with_bundle(site, settings.state_dir, number)
    for package in packages_of(number, wanted):
        if isinstance(package, DamagedPackage):
            raise BundleError(package.reason)
        if reason := why_model_fails(package, wanted.engine, trials):
            raise BundleError(f"{package.title} is not used: {reason}")


def packages_of(number: int, settings: Settings) -> Iterator[ModelPackage | DamagedPackage]:
    """The packages in a bundle that is laid out. Raises SettingsError for an unreadable key."""
    yield from packages_in(bundle_folder(settings.state_dir, number) / MODELS_NAME, settings_policy(settings))


def remove_others(state_dir: Path, state: BundleState) -> None:
    """Remove what is left of bundles that nobody needs any more. Raises OSError."""
    step = state.step.number if state.step is not None and state.step.kind == "try" else None
    needed = {str(number) for number in (state.present, state.former, step) if number is not None}
    folder = bundles_folder(state_dir)
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith(NEW_PREFIX) or (path.name.isdecimal() and path.name not in needed):
            remove(path)


def remove(folder: Path) -> None:
    """Remove a folder, if it is there. Raises OSError."""
    if folder.is_dir():
        shutil.rmtree(folder)
