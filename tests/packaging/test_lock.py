"""`config/requirements.lock`: all that the box runs, each with its hashes, in agreement with `pyproject.toml`."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "config" / "requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
MACHINES = [
    {"python_version": python, "python_full_version": f"{python}.9", "platform_machine": machine,
     "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix",
     "implementation_name": "cpython", "platform_python_implementation": "CPython"}
    for python in ("3.11", "3.12", "3.13") for machine in ("x86_64", "aarch64")
]  # fmt: skip


def entries() -> Iterator[tuple[Requirement, list[str]]]:
    """Each package of the lock with what stands on its further lines."""
    text = "\n".join(line for line in LOCK.read_text().splitlines() if not line.strip().startswith("#"))
    for entry in text.replace("\\\n", " ").splitlines():
        requirement, *hashes = re.split(r"\s+(?=--)", entry.strip())
        yield Requirement(requirement), hashes


def pinned(machine: dict[str, str]) -> dict[str, str]:
    """The version of each package that is installed on `machine`, by its name."""
    found: dict[str, str] = {}
    for requirement, _ in entries():
        if requirement.marker is None or requirement.marker.evaluate(machine):
            (specifier,) = requirement.specifier
            assert specifier.operator == "=="
            assert requirement.name not in found, f"two versions of {requirement.name} for one machine"
            found[canonicalize_name(requirement.name)] = specifier.version
    return found


def test_nothing_but_packages_and_their_hashes_is_in_it() -> None:
    """No address of an index or of a folder: pip asks whatever the box is set to ask, and compares."""
    for requirement, hashes in entries():
        assert requirement.url is None
        assert hashes, requirement.name
        assert all(HASH.fullmatch(one) for one in hashes), requirement.name
    assert not re.search(r"https?:|file:|^-", LOCK.read_text(), re.MULTILINE)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda one: f"{one['python_version']}-{one['platform_machine']}")
def test_every_dependency_is_pinned_to_a_version_that_pyproject_allows(machine: dict[str, str]) -> None:
    versions = pinned(machine)
    for line in (*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]):
        wanted = Requirement(line)
        assert versions[canonicalize_name(wanted.name)] in wanted.specifier, line


def test_what_the_dependencies_need_in_turn_is_pinned_too() -> None:
    for machine in MACHINES:
        versions = pinned(machine)
        for name in versions:
            for needed in needs(name, machine):
                assert needed in versions, f"{name} needs {needed}"


def needs(name: str, machine: dict[str, str]) -> Iterator[str]:
    """What the release of `name` that is installed here needs on `machine`."""
    try:
        lines = requires(name) or ()
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed here")
    for line in lines:
        needed = Requirement(line)
        if needed.marker is None or Marker(str(needed.marker)).evaluate({"extra": "", **machine}):
            yield canonicalize_name(needed.name)


def test_nobody_is_told_to_install_what_a_stranger_could_put_on_an_index() -> None:
    """Leapfrog's own name is registered nowhere: `pip install` of it would run whatever somebody puts there."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout, so that nothing says which files belong to it")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    name = PROJECT["project"]["name"]
    for path in tracked.stdout.split():
        if (ROOT / path).suffix in (".py", ".md", ".toml", ".service", ".conf", ".lock", ""):
            text = (ROOT / path).read_text(errors="replace")
            assert not re.search(rf"install[^\n]*[\s'\"]{name}\b", text), path
