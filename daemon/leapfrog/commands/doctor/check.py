"""The result of one check of `leapfrog doctor`."""

from collections.abc import Iterator
from typing import Literal

from leapfrog.exam import Frozen
from leapfrog.problem import Problem

CheckStatus = Literal["ok", "problem", "absent"]
STATUS_WORDS: dict[CheckStatus, str] = {"ok": "OK", "problem": "PROBLEM", "absent": "-"}


class Check(Frozen):
    """The result of one check."""

    name: str
    status: CheckStatus
    detail: str
    remedy: str = ""

    def lines(self) -> Iterator[str]:
        """The check for a person to read."""
        yield f"{STATUS_WORDS[self.status]:8}{self.name}: {self.detail}"
        if self.remedy:
            yield f"        -> {self.remedy}"


def ok(name: str, detail: str) -> Check:
    """All is well."""
    return Check(name=name, status="ok", detail=detail)


def wrong(name: str, detail: str, remedy: str) -> Check:
    """Something is wrong, and `remedy` is what to do."""
    return Check(name=name, status="problem", detail=detail, remedy=remedy)


def absent(name: str, detail: str, remedy: str = "") -> Check:
    """Something is not there, and need not be."""
    return Check(name=name, status="absent", detail=detail, remedy=remedy)


def as_check(name: str, found: Problem) -> Check:
    """A problem that a part of the box reported."""
    since = f" Since {found.since[:16].replace('T', ' ')}." if found.since else ""
    return wrong(name, f"{found.what}{since}", found.remedy)
