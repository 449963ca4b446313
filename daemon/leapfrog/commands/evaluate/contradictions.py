"""Copies of one image with labels that contradict each other: nobody can say which of them is true."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from leapfrog.errors import StorageError, UsageError
from leapfrog.evaluation.labelled import LabelledImage


@dataclass(frozen=True)
class Placed:
    """A labelled image, and `where` a person finds its label."""

    where: str
    image: LabelledImage


def require_agreement(data: Path, placed: Iterable[Placed]) -> None:
    """Raises UsageError, naming both places, if copies of one image in `data` differ in whether a finding is there.

    Only files of equal size are opened, so that a large collection of JPEG or PNG files takes no time.
    """
    for copies in _copies(data, placed):
        for number, one in enumerate(copies):
            for other in copies[number + 1 :]:
                _require_same(one, other)


def _copies(data: Path, placed: Iterable[Placed]) -> Iterator[Sequence[Placed]]:
    by_size: dict[int, list[Placed]] = {}
    by_content: dict[str, list[Placed]] = {}
    try:
        for one in placed:
            by_size.setdefault((data / one.image.file).stat().st_size, []).append(one)
        for one in (one for alike in by_size.values() if len(alike) > 1 for one in alike):
            by_content.setdefault(sha256_of(data / one.image.file), []).append(one)
    except OSError as problem:
        raise StorageError(f"{problem.filename} cannot be read: {problem.strerror}.") from problem
    return iter(by_content.values())


def _require_same(one: Placed, other: Placed) -> None:
    first, second = one.image.truth, other.image.truth
    for finding in first:
        if finding in second and first[finding] != second[finding]:
            first_says, other_says = ("is there", "is not") if first[finding] else ("is not there", "is")
            raise UsageError(
                f"{one.where} and {other.where} are copies of one image with labels that contradict each other: by the"
                f" first {finding} {first_says}, by the other it {other_says}. Correct one of them, or take it out."
            )


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, by which copies are known. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
