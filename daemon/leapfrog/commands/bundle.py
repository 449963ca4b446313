"""`leapfrog bundle`: what of a bundle a box would use, and how one is handed to the daemon."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leapfrog.bundle_state import MODELS_NAME, SETTINGS_NAME, bundle_folder
from leapfrog.bundles.bundle_file import BundleList, opened_bundle
from leapfrog.bundles.offered import require_newer, take_bundle, trusted_key
from leapfrog.control.asking import run_command
from leapfrog.control.bundle_report import bundle_report
from leapfrog.control.control_socket import ask_daemon
from leapfrog.district_key import DistrictKey, DistrictPublicKey, district_key
from leapfrog.errors import DaemonNotRunning, StorageError, UsageError
from leapfrog.packages.catalogue import FOLDER_SEPARATOR, packages_in_use
from leapfrog.settings import Settings, SettingsInUse


@dataclass(frozen=True)
class Taken:
    """A bundle that was handed to the daemon."""

    number: int
    daemon_runs: bool

    @property
    def sentence(self) -> str:
        """The same for a person."""
        when = "as soon as the box is quiet" if self.daemon_runs else "when Leapfrog is started"
        return f"Bundle {self.number} is the district's, and is tried {when}. `leapfrog bundle status` shows it."


def hand_over(path: Path, settings: Settings) -> Taken:
    """Check the bundle in the file `path`, and hand it to the daemon, which tries it. Raises BundleError, SettingsError
    or StorageError when it is not taken.
    """
    number = take_bundle(path, settings)
    with suppress(DaemonNotRunning):
        ask_daemon(settings.state_dir, "look_at_bundles")
        return Taken(number, daemon_runs=True)
    return Taken(number, daemon_runs=False)


def secret_key(path: Path) -> DistrictKey:
    """The district's key in the file `path`. Raises UsageError when there is none: here none is ever made."""
    if not path.exists():
        raise UsageError(
            f"There is no key {path}. `leapfrog receive --public-key` makes the district's key, once; --key FILE names"
            " one that lies elsewhere."
        )
    return district_key(path)


def check(path: Path, settings: Settings, key_file: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Whether the district signed the bundle in the file `path`, whether it is whole, and whether a box would take it.
    At the district `key_file` is its key; on a box the settings know its public half. Raises BundleError for what no
    box would take.
    """
    key: DistrictPublicKey = secret_key(key_file).public if key_file is not None else trusted_key(settings)
    with opened_bundle(path, key) as bundle:
        bundle.check()
        listed = bundle.listed
    if key_file is None:
        require_newer(listed.number, settings.state_dir)
    return _shown(listed), [
        f"{path}: bundle {listed.number} of {listed.made_at[:16].replace('T', ' ')}, signed by the district, whole.",
        f"It has {'settings' if SETTINGS_NAME in listed.files else 'no settings'}; models:"
        f" {', '.join(map(_titled, listed.package_folders)) or 'none'}.",
    ]


def _shown(listed: BundleList) -> dict[str, Any]:
    return {
        "number": listed.number,
        "made_at": listed.made_at,
        "byte_count": listed.byte_count,
        "settings": SETTINGS_NAME in listed.files,
        "packages": [_titled(folder) for folder in listed.package_folders],
    }


def _titled(folder: str) -> str:
    return folder.replace(FOLDER_SEPARATOR, " ", 1)


def status(in_use: SettingsInUse) -> tuple[dict[str, Any], list[str]]:
    """What the box says of its bundle, and what of the bundle counts here. Works also where no daemon ever ran."""
    settings = in_use.settings
    report = bundle_report(settings.state_dir)
    lines = report.lines()
    overridden: list[str] = []
    if report.number is not None:
        overridden = _overridden(settings, report.number)
        lines.append(f"Settings from it: {', '.join(in_use.from_bundle()) or 'none'}.")
        lines += [f"Not used, since this box has its own: {title}." for title in overridden]
        back = f"bundle {report.former}" if report.former is not None else "the settings and models of its own"
        lines.append(f"`leapfrog bundle rollback` goes back to {back}.")
    if in_use.problem:
        lines.append(in_use.problem)
    more = {"settings": list(in_use.from_bundle()), "models_not_used": overridden, "problem": in_use.problem}
    return {**report.model_dump(mode="json"), **more}, lines


def _overridden(settings: Settings, number: int) -> list[str]:
    """The packages of the bundle in whose place the box uses one of its own."""
    models = bundle_folder(settings.state_dir, number) / MODELS_NAME
    try:
        folders = sorted(path for path in models.iterdir() if path.is_dir()) if models.is_dir() else []
    except OSError as problem:
        raise StorageError(f"{models} cannot be read: {problem.strerror}.") from problem
    used = {package.folder for package in packages_in_use(settings).packages}
    return [_titled(folder.name) for folder in folders if folder not in used]


def roll_back(settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """Leave the bundle in use, or the one that waits. Raises UsageError when there is none."""
    outcome: dict[str, Any] = run_command(settings, "rollback_bundle")
    now = f"bundle {outcome['now']}" if outcome["now"] is not None else "the settings and models of its own"
    return outcome, [f"Bundle {outcome['left']} is left, and never tried again. The box goes on with {now}."]
