"""A kernel that cannot confine the reading program is said, with why and what to do."""

import errno

import pytest

from leapfrog.control.inspection import confinement
from leapfrog.control.inspection.confinement import UNCONFINED, confinement_problems


def found(monkeypatch: pytest.MonkeyPatch, *, abi: int = 7, seccomp: int = 0) -> list[tuple[str, str]]:
    monkeypatch.setattr(confinement, "landlock_abi", lambda: abi)
    monkeypatch.setattr(confinement, "seccomp_problem", lambda: seccomp)
    return [(problem.what, problem.remedy) for problem in confinement_problems()]


def test_a_kernel_that_has_all_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch) == found(monkeypatch, abi=1) == []


@pytest.mark.parametrize(
    ("refusal", "why", "remedy"),
    [
        (errno.ENOSYS, "was built without it", "Debian 12"),
        (errno.EOPNOTSUPP, "was started without it", "lsm="),
        (errno.EPERM, "the service's unit forbids it", "leapfrog install"),
    ],
)
def test_why_there_is_no_landlock_is_said(monkeypatch: pytest.MonkeyPatch, refusal: int, why: str, remedy: str) -> None:
    ((what, to_do),) = found(monkeypatch, abi=-refusal)
    assert what.startswith(f"{UNCONFINED} Landlock, since")
    assert why in what
    assert remedy in to_do


@pytest.mark.parametrize(
    ("refusal", "why"),
    [(errno.EINVAL, "was built without it"), (errno.ENOTSUP, "kind of processor"), (errno.EPERM, "unit forbids it")],
)
def test_why_there_is_no_seccomp_is_said(monkeypatch: pytest.MonkeyPatch, refusal: int, why: str) -> None:
    ((what, _),) = found(monkeypatch, seccomp=refusal)
    assert what.startswith(f"{UNCONFINED} seccomp, since")
    assert why in what


def test_a_kernel_with_neither_has_two_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(found(monkeypatch, abi=-errno.ENOSYS, seccomp=errno.ENOSYS)) == 2
