"""The version of a model package, and which of two is higher."""

import re
from typing import NamedTuple, Self

# Also used by pydantic. [0-9], since \d would match the digits of every script.
VERSION_PATTERN = (
    r"^[0-9]+(\.[0-9]+)*"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)


class PackageVersion(NamedTuple):
    """A version for comparison, by the precedence rules of Semantic Versioning 2.0.0, paragraph 11.

    The parts between dots compare as numbers (0.10.0 is higher than 0.9.9). There may be any number of them; missing
    ones count as 0 (1.2 equals 1.2.0). A "-" begins a pre-release, which is lower than the release (1.0.0-rc.1 <
    1.0.0); its parts are compared one by one, numbers as numbers and below words. A "+" begins a build name, which is
    ignored: 1.0.0+a and 1.0.0+b are equal, so neither may replace the other.
    """

    release: tuple[int, ...]
    is_final: bool
    prerelease: tuple[tuple[bool, int, str], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `text`. Raises ValueError if it is not a version."""
        if not is_version(text):
            raise ValueError(f"{text!r} is not a version such as 1.2.0, 1.3.0-rc.1 or 1.2.0+site.4")
        release, _, prerelease = text.partition("+")[0].partition("-")
        numbers = [int(number) for number in release.split(".")]
        while numbers[-1:] == [0]:
            numbers.pop()
        parts = prerelease.split(".") if prerelease else []
        return cls(tuple(numbers), not prerelease, tuple(map(_part, parts)))


def is_version(text: str) -> bool:
    """Whether `text` is a version that can be compared."""
    return re.fullmatch(VERSION_PATTERN, text) is not None


def _part(part: str) -> tuple[bool, int, str]:
    return (False, int(part), "") if part.isdigit() else (True, 0, part)
