"""Which model packages are in use: where they are searched for, which one wins, and which could not be loaded."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from leapfrog.bundle_state import MODELS_NAME, present_folder
from leapfrog.errors import PackageError
from leapfrog.packages.manifest import MANIFEST_NAME
from leapfrog.packages.package import SHIPPED_PACKAGES, ModelPackage, load_package, read_manifest, signature_state
from leapfrog.packages.signature import SIGNATURE_NAME, SignaturePolicy, SignatureState, signature_policy
from leapfrog.packages.version import PackageVersion, is_version
from leapfrog.settings import Settings

INSTALLED_NAME = "models"  # in the state directory
FOLDER_SEPARATOR = "_"  # occurs in no name and no version: an installed package is in the folder <name>_<version>


@dataclass(frozen=True)
class DamagedPackage:
    """A folder that looks like a package but was not loaded, with the reason in a sentence.

    `name` and `version` are from its manifest or, if that cannot be read, from the folder's name; both are "" for a
    directory of packages that cannot be read. `superseded`: another package of its name would be used anyway.
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
        """The package in use with this name."""
        return next((package for package in self.packages if package.name == name), None)

    def problems(self, name: str | None = None) -> tuple[str, ...]:
        """For each package that would be used but could not be loaded (only those called `name`, if given): a sentence
        on why, and which package is used instead.
        """
        return tuple(
            f"{one.reason} {self._instead(one.name)}".strip()
            for one in self.damaged
            if not one.superseded and name in (None, one.name)
        )

    def _instead(self, name: str) -> str:
        if not name:  # a whole directory
            return ""
        package = self.named(name)
        return f"{package.title} is used instead." if package else f"There is no other package named {name}."

    def listing(self) -> list[dict[str, object]]:
        """What `leapfrog models list --json` prints; a damaged package is listed with `verified` false and `reason`."""
        return [*map(_entry, self.packages), *map(_entry, self.damaged)]


def _entry(package: ModelPackage | DamagedPackage) -> dict[str, object]:
    manifest = package.manifest if isinstance(package, ModelPackage) else None
    return {
        "name": package.name,
        "version": package.version,
        "task": manifest.task if manifest else "",
        "demonstration": manifest is not None and manifest.demonstration,
        "verified": manifest is not None,
        "signature": package.signature,
        "path": str(package.folder),
        "reason": package.reason if isinstance(package, DamagedPackage) else "",
    }


def package_directories(state_dir: Path, configured: Iterable[Path]) -> tuple[Path, ...]:
    """Where packages are searched for, highest priority first: folders from the settings, packages installed on this
    box, those of the district's bundle, packages that ship.
    """
    return (*configured, state_dir / INSTALLED_NAME, *bundled_models(state_dir), SHIPPED_PACKAGES)


def bundled_models(state_dir: Path) -> tuple[Path, ...]:
    """Where the packages of the district's bundle in use are, if there is one."""
    folder = present_folder(state_dir)
    return () if folder is None else (folder / MODELS_NAME,)


def packages_in_use(settings: Settings) -> Catalogue:
    """The packages that this box uses, and those that it refuses. Raises SettingsError for an unreadable key."""
    return find_packages(package_directories(settings.state_dir, settings.models.paths), settings_policy(settings))


def settings_policy(settings: Settings) -> SignaturePolicy:
    """Which signatures the settings accept. Raises SettingsError for an unreadable key."""
    return signature_policy(settings.models.trusted_keys, settings.models.require_signature)


def find_packages(directories: Iterable[Path], policy: SignaturePolicy) -> Catalogue:
    """Load every package in `directories` that `policy` accepts. Each directory is a package or holds packages.

    Of several packages with one name, the first directory wins, so an installed package replaces the one that ships;
    within a directory, the highest version wins. A damaged package is reported, and does not hide an intact one of its
    name. A package that only lacks the signature that `policy` requires is reported only if it would be used.
    """
    packages: dict[str, ModelPackage] = {}
    damaged: list[DamagedPackage] = []
    for directory in directories:
        for package in packages_in(directory, policy):
            if isinstance(package, ModelPackage):
                packages.setdefault(package.name, package)
            elif package.name not in packages:
                damaged.append(package)
            elif package.signature == "bad" or not policy.refusal(package.signature):
                damaged.append(replace(package, superseded=True))
    return Catalogue(tuple(packages.values()), tuple(damaged))


def packages_in(directory: Path, policy: SignaturePolicy) -> list[ModelPackage | DamagedPackage]:
    """Every package in `directory`, or the one that it is: first those with an unknown version, then the others from
    the highest version to the lowest. A directory that cannot be read counts as one damaged package.
    """
    try:
        folders = _package_folders(directory)
    except OSError as problem:
        return [_unreadable(directory, "", problem)]
    return sorted((_load(folder, policy) for folder in folders), key=_rank, reverse=True)


def _package_folders(directory: Path) -> list[Path]:
    if (directory / MANIFEST_NAME).is_file():
        return [directory]
    return sorted(path.parent for path in directory.glob(f"[!.]*/{MANIFEST_NAME}")) if directory.is_dir() else []


def _rank(package: ModelPackage | DamagedPackage) -> tuple[bool, PackageVersion]:
    return not package.version, PackageVersion.parse(package.version or "0")


def _load(folder: Path, policy: SignaturePolicy) -> ModelPackage | DamagedPackage:
    try:
        return load_package(folder, policy)
    except PackageError as problem:
        return DamagedPackage(folder, str(problem), *_identity(folder), _signature(folder, policy))
    except OSError as problem:
        return _unreadable(folder, folder.name, problem)


def _unreadable(folder: Path, name: str, problem: OSError) -> DamagedPackage:
    reason = f"The model packages in {folder} cannot be read ({problem.strerror}): let Leapfrog's user read them."
    return DamagedPackage(folder, reason, name)


def _identity(folder: Path) -> tuple[str, str]:
    try:
        manifest = read_manifest(folder)
    except PackageError:  # the folder of an installed package has both in its name
        name, _, version = folder.name.partition(FOLDER_SEPARATOR)
        return name, version if is_version(version) else ""
    return manifest.name, manifest.version


def _signature(folder: Path, policy: SignaturePolicy) -> SignatureState:
    try:
        return signature_state(folder, policy)
    except PackageError:
        return "bad" if (folder / SIGNATURE_NAME).exists() else "none"
