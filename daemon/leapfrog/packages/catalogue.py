"""Which model packages are in use: the folders that are searched, who wins, and what could not be loaded."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from leapfrog.errors import PackageError
from leapfrog.packages.manifest import MANIFEST_NAME
from leapfrog.packages.package import SHIPPED_PACKAGES, ModelPackage, load_package, read_manifest, signature_state
from leapfrog.packages.signature import SIGNATURE_NAME, SignaturePolicy, SignatureState, signature_policy
from leapfrog.packages.version import PackageVersion, is_version
from leapfrog.settings import Settings

INSTALLED_NAME = "models"  # in the state directory
FOLDER_SEPARATOR = "_"  # in neither a name nor a version: an installed package lies in <name>_<version>


@dataclass(frozen=True)
class DamagedPackage:
    """A folder that looks like a package and is not loaded, with the reason in a sentence.

    `name` and `version` are what its manifest says or, where that cannot be read, its folder. `superseded` says that
    another package of its name would be used anyway.
    """

    folder: Path
    reason: str
    name: str
    version: str = ""
    signature: SignatureState = "none"
    superseded: bool = False


@dataclass(frozen=True)
class Catalogue:
    """The packages in use, one per name, and the folders that could not be loaded."""

    packages: tuple[ModelPackage, ...] = ()
    damaged: tuple[DamagedPackage, ...] = ()

    def named(self, name: str) -> ModelPackage | None:
        """The package in use that has this name."""
        return next((package for package in self.packages if package.name == name), None)

    def problems(self, name: str | None = None) -> tuple[str, ...]:
        """What is said of each package (of that name, if given) that would be used and is not, and what is instead."""
        return tuple(
            f"{one.reason} {self._instead(one.name)}"
            for one in self.damaged
            if not one.superseded and name in (None, one.name)
        )

    def _instead(self, name: str) -> str:
        package = self.named(name)
        return f"In its place, {package.title} is used." if package else f"No other package is named {name}."

    def listing(self) -> list[dict[str, object]]:
        """What `leapfrog models list --json` prints; a damaged package is listed with `verified` false and `reason`."""
        return [*map(_entry, self.packages), *map(_entry, self.damaged)]


def _entry(found: ModelPackage | DamagedPackage) -> dict[str, object]:
    manifest = found.manifest if isinstance(found, ModelPackage) else None
    return {
        "name": found.name,
        "version": found.version,
        "task": manifest.task if manifest else "",
        "demonstration": manifest is not None and manifest.demonstration,
        "verified": manifest is not None,
        "signature": found.signature,
        "path": str(found.folder),
        "reason": found.reason if isinstance(found, DamagedPackage) else "",
    }


def package_directories(state_dir: Path, configured: Iterable[Path]) -> tuple[Path, ...]:
    """Where packages are looked for, the strongest first: the settings, then the box's own, then those that ship."""
    return (*configured, state_dir / INSTALLED_NAME, SHIPPED_PACKAGES)


def packages_in_use(settings: Settings) -> Catalogue:
    """The packages that this box reads with, and those that it refuses. Raises SettingsError for an unreadable key."""
    return find_packages(package_directories(settings.state_dir, settings.models.paths), settings_policy(settings))


def settings_policy(settings: Settings) -> SignaturePolicy:
    """Whose packages the settings take. Raises SettingsError for an unreadable key."""
    return signature_policy(settings.models.trusted_keys, settings.models.require_signature)


def find_packages(directories: Iterable[Path], policy: SignaturePolicy) -> Catalogue:
    """Load every package in `directories` that `policy` takes; each is a package itself or holds packages.

    The first directory that has a sound package of a name wins, so an installed package replaces the one that ships;
    within a directory, the highest version does. A damaged one is reported and does not hide a sound one of its name.
    One that only lacks the signature that `policy` asks for is reported where it would be used, and nowhere else.
    """
    packages: dict[str, ModelPackage] = {}
    damaged: list[DamagedPackage] = []
    for directory in directories:
        for found in packages_in(directory, policy):
            if isinstance(found, ModelPackage):
                packages.setdefault(found.name, found)
            elif found.name not in packages:
                damaged.append(found)
            elif found.signature == "bad" or not policy.refusal(found.signature):
                damaged.append(replace(found, superseded=True))
    return Catalogue(tuple(packages.values()), tuple(damaged))


def packages_in(directory: Path, policy: SignaturePolicy) -> list[ModelPackage | DamagedPackage]:
    """Every package in `directory`, or the one that it is: those whose version cannot be told, then the others from
    the highest version to the lowest.
    """
    return sorted((_examined(folder, policy) for folder in _package_folders(directory)), key=_rank, reverse=True)


def _package_folders(directory: Path) -> list[Path]:
    if (directory / MANIFEST_NAME).is_file():
        return [directory]
    return sorted(path.parent for path in directory.glob(f"[!.]*/{MANIFEST_NAME}")) if directory.is_dir() else []


def _rank(found: ModelPackage | DamagedPackage) -> tuple[bool, PackageVersion]:
    return not found.version, PackageVersion.parse(found.version or "0")


def _examined(folder: Path, policy: SignaturePolicy) -> ModelPackage | DamagedPackage:
    try:
        return load_package(folder, policy)
    except PackageError as problem:
        return DamagedPackage(folder, str(problem), *_identity(folder), _signature(folder, policy))


def _identity(folder: Path) -> tuple[str, str]:
    try:
        manifest = read_manifest(folder)
    except PackageError:  # then what the folder of an installed package says
        name, _, version = folder.name.partition(FOLDER_SEPARATOR)
        return name, version if is_version(version) else ""
    return manifest.name, manifest.version


def _signature(folder: Path, policy: SignaturePolicy) -> SignatureState:
    try:
        return signature_state(folder, policy)
    except PackageError:
        return "bad" if (folder / SIGNATURE_NAME).exists() else "none"
