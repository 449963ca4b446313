"""Two versions of the box, laid out for as long as they are measured.

Both are, in the same way: whoever goes on to edit this checkout changes nothing that is measured, and of neither have
Python's caches been written by earlier runs. Without them a start takes a third longer, and a process 2 MiB more.
"""

import shutil
import subprocess
import sys
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
    """A version of the box, and where its files lie. `what`: which one it is, where the name does not tell."""

    name: str
    root: Path
    what: str

    @property
    def python_path(self) -> list[str]:
        """Where its packages are."""
        return [str(self.root / "daemon"), str(self.root / "training")]

    def other_packages(self) -> list[str]:
        """What it needs that is not installed here, each with what is."""
        project = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        needed = map(Requirement, project["dependencies"])
        return [f"{one} (here: {_installed(one) or 'none'})" for one in needed if not _is_met(one)]


@contextmanager
def laid_out(commit: str, directory: Path, repository: Path = REPOSITORY) -> Iterator[Version]:
    """The files of `commit` in a folder below `directory`, which is removed at the end. The repository is only read.

    Raises NoSuchVersion.
    """
    name = _named(commit, repository)
    with _folder(f"version-{name}-", directory) as root:
        _unpack(name, repository, root)
        if not (root / "daemon" / "leapfrog").is_dir():
            raise NoSuchVersion(f"{name} has no daemon/leapfrog: it is from before the box was laid out as it is now.")
        _compile(root)
        yield Version(name, root, name)


@contextmanager
def this_checkout(directory: Path, repository: Path = REPOSITORY) -> Iterator[Version]:
    """The files as they are here and now, committed or not, in a folder as above. Raises NoSuchVersion."""
    commit = _git(repository, "rev-parse", "--short", "HEAD")
    changed = _git(repository, "status", "--porcelain")
    state = ", with changes that are not committed" if changed else ""
    names = _git(repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    with _folder("this-checkout-", directory) as root:
        try:
            for name in filter(None, names):
                _copy(repository / name, root / name)
        except OSError as problem:
            raise NoSuchVersion(f"This checkout could not be laid out in {directory}: {problem}") from problem
        _compile(root)
        yield Version("this checkout", root, f"this checkout ({commit}{state})")


@contextmanager
def _folder(prefix: str, directory: Path) -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix=prefix, dir=directory))
    try:
        yield root
    finally:
        shutil.rmtree(root)


def _copy(source: Path, target: Path) -> None:
    if source.is_file():  # what was removed and not committed is still listed
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _compile(root: Path) -> None:
    """What cannot be compiled says so when it is imported."""
    folders = [str(root / name) for name in ("daemon", "training")]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *folders], capture_output=True, check=False)


def _named(commit: str, repository: Path) -> str:
    """The short name of a commit."""
    _git(repository, "rev-parse", "--git-dir")  # says what is wrong with the repository, if anything is
    try:
        return _git(
            repository, "rev-parse", "--verify", "--quiet", "--short", "--end-of-options", f"{commit}^{{commit}}"
        )
    except NoSuchVersion:
        shallow = _git(repository, "rev-parse", "--is-shallow-repository") == "true"
        advice = " It is a shallow clone: `git fetch --unshallow` brings what it lacks." if shallow else ""
        raise NoSuchVersion(f"{repository} has no commit {commit}.{advice}") from None


def _git(repository: Path, *arguments: str) -> str:
    """What git prints. Raises NoSuchVersion with what it says is wrong."""
    done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoSuchVersion(f"No version of {repository} can be had: {done.stderr.strip()}")
    return done.stdout.strip()


def _unpack(name: str, repository: Path, root: Path) -> None:
    """Not by tarfile: Debian 12's Python has no filters yet that keep it within the folder. Raises NoSuchVersion."""
    packing = subprocess.Popen(
        ["git", "-C", str(repository), "archive", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with packing:
        unpacked = subprocess.run(
            ["tar", "-x", "-C", str(root)], stdin=packing.stdout, stderr=subprocess.PIPE, check=False
        )
        assert packing.stdout is not None
        assert packing.stderr is not None
        packing.stdout.close()  # so that git ends where tar did
        said = [*unpacked.stderr.decode().splitlines(), *packing.stderr.read().decode().splitlines()]
    if unpacked.returncode or packing.returncode:
        raise NoSuchVersion(
            f"{name} could not be laid out in {root.parent}: {said[0] if said else 'git archive ended'}."
        )


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
