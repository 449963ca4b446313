"""Where a score stands among its thresholds, as a bar that a person reads at a glance.

Scores of different findings do not compare: one is flagged from 0.06, another from 0.95. So the bar has the same
divisions for all of them, and tells in which a score lies; its numbers stand beside it.
"""

from dataclasses import dataclass
from itertools import pairwise

from leapfrog.exam import Finding

DIVISIONS = {1: (0.0, 0.5, 1.0), 2: (0.0, 0.5, 0.75, 1.0)}  # of the bar, by the number of thresholds
CLEARANCE = 0.02  # of the bar: nearer to a threshold nothing ends, so that it is seen on which side a score is


@dataclass(frozen=True)
class Gauge:
    """How far the bar of a score reaches, and where its thresholds are marked on it, as fractions of its length.
    `urgent` is None where nothing but the threshold itself is marked.
    """

    score: float
    threshold: float
    urgent: float | None


def gauge_of(finding: Finding) -> Gauge:
    """The bar of a finding that is present or absent. Its score never ends on the other side of a threshold."""
    limits = sorted({finding.threshold, finding.urgent_threshold or finding.threshold})
    marks = DIVISIONS[len(limits)]
    return Gauge(_place(finding.score, (0.0, *limits, 1.0), marks), marks[1], marks[2] if len(limits) == 2 else None)


def _place(score: float, limits: tuple[float, ...], marks: tuple[float, ...]) -> float:
    """Where `score` lies on the bar: evenly within its division, clear of the thresholds on both sides."""
    division = sum(score >= limit for limit in limits[1:-1])
    (lowest, highest), (left, right) = tuple(pairwise(limits))[division], tuple(pairwise(marks))[division]
    share = (score - lowest) / (highest - lowest) if highest > lowest else 1.0
    begin = left + (CLEARANCE if left else 0.0)
    end = right - (CLEARANCE if right < 1.0 else 0.0)
    return begin + min(1.0, max(0.0, share)) * (end - begin)
