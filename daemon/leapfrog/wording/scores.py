"""Scores and thresholds as people read them: with as few digits as show what they decide."""

from dataclasses import dataclass
from itertools import combinations

from leapfrog.exam import Finding

FEWEST_DECIMALS, MOST_DECIMALS = 2, 18


@dataclass(frozen=True)
class WrittenScore:
    """A finding's score and its thresholds; `urgent_threshold` is empty if it has none."""

    score: str
    threshold: str
    urgent_threshold: str


def written_score(finding: Finding) -> WrittenScore:
    """All with two decimals, or with as many as show on which side of each threshold the score is, and that the
    thresholds differ.
    """
    limits = [finding.threshold] if finding.urgent_threshold is None else [finding.threshold, finding.urgent_threshold]
    score, threshold, *urgent = told_apart(finding.score, *limits)
    return WrittenScore(score, threshold, urgent[0] if urgent else "")


def told_apart(*numbers: float) -> tuple[str, ...]:
    """The numbers with two decimals, or with as many as tell those apart that differ."""
    different = [(one, other) for one, other in combinations(numbers, 2) if one != other]
    decimals = FEWEST_DECIMALS
    while decimals < MOST_DECIMALS and any(
        f"{one:.{decimals}f}" == f"{other:.{decimals}f}" for one, other in different
    ):
        decimals += 1
    return tuple(f"{number:.{decimals}f}" for number in numbers)
