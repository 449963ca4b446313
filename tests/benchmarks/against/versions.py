"""Another version of the box, laid out for as long as it is measured."""

import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[3]


class NoSuchVersion(Exception):
    """What was named is no version of the box that could be measured."""


@dataclass(frozen=True)
class Version:
    """A version of the box, and where its files lie."""

    name: str
    root: Path

    @property
    def python_path(self) -> list[str]:
        """Where its packages are."""
        return [str(self.root / "daemon"), str(self.root / "training")]

    def other_packages(self) -> list[str]:
        """What it needs that is not installed here, each with what is."""
        project = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        needed = map(Requirement, project["dependencies"])
        return [f"{one} (here: {_installed(one) or 'none'})" for one in needed if not _is_met(one)]


def this_checkout() -> Version:
    """The files as they are here, committed or not."""
    return Version("this checkout", REPOSITORY)


@contextmanager
def laid_out(commit: str, directory: Path, repository: Path = REPOSITORY) -> Iterator[Version]:
    """The files of `commit` in a folder below `directory`, which is removed at the end. The repository is only read.

    Raises NoSuchVersion.
    """
    asked = ["git", "-C", str(repository), "rev-parse", "--verify", "--short", f"{commit}^{{commit}}"]
    known = subprocess.run(asked, capture_output=True, text=True, check=False)
    if known.returncode != 0:
        raise NoSuchVersion(f"{repository} has no commit {commit}.")
    name = known.stdout.strip()
    root = Path(tempfile.mkdtemp(prefix=f"version-{name}-", dir=directory))
    try:
        packing = subprocess.Popen(["git", "-C", str(repository), "archive", name], stdout=subprocess.PIPE)
        with packing:  # not by tarfile: Debian 12's Python has no filters yet that keep it within the folder
            subprocess.run(["tar", "-x", "-C", str(root)], stdin=packing.stdout, check=True)
        if not (root / "daemon" / "leapfrog").is_dir():
            raise NoSuchVersion(f"{name} has no daemon/leapfrog: it is from before the box was laid out as it is now.")
        yield Version(name, root)
    finally:
        shutil.rmtree(root)


def _installed(requirement: Requirement) -> str:
    try:
        return version(requirement.name)
    except PackageNotFoundError:
        return ""


def _is_met(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    installed = _installed(requirement)
    return bool(installed) and requirement.specifier.contains(installed, prereleases=True)
