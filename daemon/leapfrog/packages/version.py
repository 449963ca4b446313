"""The version of a model package, and which of two is higher."""

import re
from typing import NamedTuple, Self

# For pydantic as well: [0-9], since \d would take the digits of every script.
VERSION_PATTERN = (
    r"^[0-9]+(\.[0-9]+)*"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)


class PackageVersion(NamedTuple):
    """A version as it is compared, by the precedence of Semantic Versioning 2.0.0, paragraph 11.

    Numbers between dots count as numbers (0.10.0 is higher than 0.9.9); there may be any count of them, and missing
    ones are 0 (1.2 equals 1.2.0). What follows "-" is a preliminary version, which is lower than the one without
    (1.0.0-rc.1 < 1.0.0); its parts are compared one by one, numbers as numbers and below words. What follows "+" names
    a build and counts for nothing: 1.0.0+a and 1.0.0+b are equal, so neither may replace the other.
    """

    release: tuple[int, ...]
    is_final: bool
    preliminary: tuple[tuple[bool, int, str], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check and take `text`. Raises ValueError for what cannot be compared."""
        if not is_version(text):
            raise ValueError(f"{text!r} is not a version such as 1.2.0, 1.3.0-rc.1 or 1.2.0+site.4")
        release, _, preliminary = text.partition("+")[0].partition("-")
        numbers = [int(number) for number in release.split(".")]
        while numbers[-1:] == [0]:
            numbers.pop()
        parts = preliminary.split(".") if preliminary else []
        return cls(tuple(numbers), not preliminary, tuple(map(_part, parts)))


def is_version(text: str) -> bool:
    """Whether `text` can be compared."""
    return re.fullmatch(VERSION_PATTERN, text) is not None


def _part(part: str) -> tuple[bool, int, str]:
    return (False, int(part), "") if part.isdigit() else (True, 0, part)
