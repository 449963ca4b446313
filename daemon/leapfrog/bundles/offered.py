"""Bundles that came and wait for the daemon: from the link, or from a stick.

    bundles/offered/7.zip    in the state directory; whoever puts one here has seen that the district signed it

What is here is checked once more before anything of it is used, since others may write into this folder.
"""

import shutil
from pathlib import Path

from leapfrog.bundle_state import (
    LARGEST_NUMBER,
    bundles_folder,
    give_to_daemon,
    make_folder,
    read_state,
)
from leapfrog.bundles.bundle_file import FILE_MODE, opened_bundle
from leapfrog.district_key import DistrictPublicKey
from leapfrog.durable import fsync_directory, replacing
from leapfrog.errors import BundleError, DiskFull, SettingsError, StorageError
from leapfrog.settings import Settings

OFFERED_NAME = "offered"


def offered_folder(state_dir: Path) -> Path:
    """Where bundles wait."""
    return bundles_folder(state_dir) / OFFERED_NAME


def offered(state_dir: Path) -> list[Path]:
    """The bundles that wait, the newest first."""
    found = {
        int(file.stem): file
        for file in offered_folder(state_dir).glob("*.zip")
        if file.stem.isascii() and file.stem.isdecimal() and len(file.stem) <= len(str(LARGEST_NUMBER))
    }
    return [found[number] for number in sorted(found, reverse=True)]


def trusted_key(settings: Settings) -> DistrictPublicKey:
    """The key with which the district of this box signs. Raises SettingsError when the box knows none."""
    if not settings.district.public_key:
        raise SettingsError(
            "This box takes no bundles: district.public_key is not set, so nobody can sign one for it. The district's"
            " `leapfrog receive --public-key` prints the key."
        )
    return DistrictPublicKey.parse(settings.district.public_key)


def require_newer(number: int, state_dir: Path) -> None:
    """Raise BundleError for a bundle that was here already, or is older: an old one may not be brought back by whoever
    has kept a copy.
    """
    state = read_state(state_dir)
    if number == state.present:
        raise BundleError(f"Bundle {number} is in use already.")
    if number <= state.highest:
        raise BundleError(
            f"Bundle {number} is not taken: this box has had bundle {state.highest}, and takes only higher numbers. To"
            " go back to older content, the district makes a bundle of it with a new number."
        )


def take_bundle(path: Path, settings: Settings) -> int:
    """Take the bundle in the file `path`, such as on a stick, for the daemon to try. Returns its number.

    Raises BundleError when the district did not sign it, it is damaged, or it is not newer than any before;
    SettingsError when this box knows no district; DiskFull or StorageError when it cannot be kept. Then nothing has
    changed.
    """
    state_dir = settings.state_dir
    with opened_bundle(path, trusted_key(settings)) as bundle:
        require_newer(bundle.number, state_dir)
        bundle.check()
        number = bundle.number
    try:
        _require_room(path.stat().st_size, settings)
        folder = _made_folder(state_dir)
        target = folder / f"{number}.zip"
        with path.open("rb") as source, replacing(target, FILE_MODE) as copy:
            shutil.copyfileobj(source, copy)
        give_to_daemon(target, state_dir)
        fsync_directory(folder)
    except OSError as problem:
        raise StorageError(f"{path} cannot be taken into {state_dir}: {problem.strerror}.") from problem
    return number


def offer(part: Path, number: int, state_dir: Path) -> None:
    """Put the file `part`, on the disk of the state directory, among those that wait. Raises OSError."""
    folder = _made_folder(state_dir)
    part.replace(folder / f"{number}.zip")
    fsync_directory(folder)


def _made_folder(state_dir: Path) -> Path:
    folder = offered_folder(state_dir)
    make_folder(folder.parent)
    make_folder(folder)
    return folder


def _require_room(byte_count: int, settings: Settings) -> None:
    free = shutil.disk_usage(settings.state_dir).free
    if free - byte_count < settings.retention.min_free_bytes:
        raise DiskFull(
            f"The bundle is not taken: it needs {byte_count} bytes and {free} are free, of which"
            f" {settings.retention.min_free_bytes} must stay free (retention.min_free_bytes). Make room on the disk."
        )
