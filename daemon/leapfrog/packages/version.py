"""The version of a model package, and which of two is higher."""

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Self

# For pydantic as well: [0-9], since \d would take the digits of every script.
VERSION_PATTERN = (
    r"^[0-9]+(\.[0-9]+)*"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)


@total_ordering
@dataclass(frozen=True, eq=False)
class PackageVersion:
    """A version that can be compared, by the precedence of Semantic Versioning 2.0.0, paragraph 11.

    Numbers between dots count as numbers (0.10.0 is higher than 0.9.9); there may be any count of them, and missing
    ones are 0 (1.2 equals 1.2.0). What follows "-" is a preliminary version, which is lower than the one without
    (1.0.0-rc.1 < 1.0.0); its parts are compared one by one, numbers as numbers and below words. What follows "+" names
    a build and counts for nothing: 1.0.0+a and 1.0.0+b are equal, so neither may replace the other.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check and take `text`. Raises ValueError for what cannot be compared."""
        if not is_version(text):
            raise ValueError(f"{text!r} is not a version such as 1.2.0, 1.3.0-rc.1 or 1.2.0+site.4")
        return cls(text)

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackageVersion) and self._precedence == other._precedence

    def __hash__(self) -> int:
        return hash(self._precedence)

    def __lt__(self, other: "PackageVersion") -> bool:
        return self._precedence < other._precedence

    @property
    def _precedence(self) -> tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]:
        release, _, preliminary = self.text.partition("+")[0].partition("-")
        numbers = [int(number) for number in release.split(".")]
        while numbers[-1:] == [0]:
            numbers.pop()
        parts = preliminary.split(".") if preliminary else []
        return tuple(numbers), not preliminary, tuple(_part(part) for part in parts)


def is_version(text: str) -> bool:
    """Whether `text` can be compared."""
    return re.fullmatch(VERSION_PATTERN, text) is not None


def _part(part: str) -> tuple[bool, int, str]:
    return (False, int(part), "") if part.isdigit() else (True, 0, part)
