"""Whether a number became worse from one version to another by more than its noise.

Both versions are measured in turn, so round by round there is a pair, and the machine was much the same for both of it.
What counts is the mean change over the pairs, as a ratio; its noise is how far the pairs disagree, as Student's
interval of that mean: of 95 % at first. Few rounds make a wide interval: then only much is seen, but nothing is made
up. Of forty numbers one would still seem worse by chance. So where one does, the part is measured once more, and all
rounds together are judged by an interval of 99.8 %.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FEWEST_ROUNDS = 3
LEAST_CHANGE = 0.02  # of a number; a smaller one is none that anybody would notice
# Student's t by degrees of freedom, from 1; for more than there are, the last, which is a little too strict.
STUDENT_95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093,
)  # fmt: skip
STUDENT_998 = (
    318.31, 22.327, 10.215, 7.173, 5.893, 5.208, 4.785, 4.501, 4.297, 4.144, 4.025, 3.930, 3.852, 3.787, 3.733, 3.686,
    3.646, 3.610, 3.579,
)  # fmt: skip

Verdict = Literal["worse", "better", "same"]


@dataclass(frozen=True)
class Comparison:
    """One number of both versions, a value of each a round. `more_is_better`: None where it is neither good nor bad.
    `repeated`: the rounds are those of both times.
    """

    group: str
    name: str
    unit: str
    more_is_better: bool | None
    before: tuple[float, ...]
    now: tuple[float, ...]
    repeated: bool = False

    @property
    def ratio(self) -> float:
        """Now to before, in the mean of the pairs; where some are zero, of the medians, and 1 for two zeros."""
        if (change := self._change).is_ratio:
            return math.exp(change.mean)
        before, now = statistics.median(self.before), statistics.median(self.now)
        return now / before if before else (math.inf if now else 1.0)

    @property
    def smallest_seen(self) -> float:
        """The smallest change for the worse that these rounds would have shown, as a fraction of the number before:
        negative where more is better. NaN for what is neither good nor bad, and where zeros make no fraction.
        """
        change = self._change
        if self.more_is_better is None or not change.is_ratio:
            return math.nan
        return math.expm1(-change.needed if self.more_is_better else change.needed)

    @property
    def verdict(self) -> Verdict:
        """Whether the change is more than its noise, and which way it goes."""
        change = self._change
        if self.more_is_better is None or abs(change.mean) <= change.needed:
            return "same"
        return "better" if (change.mean > 0) == self.more_is_better else "worse"

    @property
    def _change(self) -> "_Change":
        return _Change.over(self.before, self.now, STUDENT_998 if self.repeated else STUDENT_95)


@dataclass(frozen=True)
class _Change:
    """The mean change over pairs, give or take `half_width`: of the logarithm, or of the number where some are zero."""

    mean: float
    half_width: float
    is_ratio: bool

    @property
    def needed(self) -> float:
        """What a change must be more than, to be one."""
        return max(self.half_width, math.log1p(LEAST_CHANGE) if self.is_ratio else 0.0)

    @classmethod
    def over(cls, before: Sequence[float], now: Sequence[float], student: Sequence[float]) -> "_Change":
        is_ratio = min(*before, *now) > 0
        pairs = zip(before, now, strict=True)
        changes = [math.log(new / old) if is_ratio else new - old for old, new in pairs]
        if len(changes) < FEWEST_ROUNDS:
            raise ValueError(f"{len(changes)} rounds do not tell how large the noise is: {FEWEST_ROUNDS} are needed")
        t = student[min(len(changes) - 1, len(student)) - 1]
        return cls(statistics.mean(changes), t * statistics.stdev(changes) / math.sqrt(len(changes)), is_ratio)
