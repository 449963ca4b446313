"""A box as the district knows it: what it said last, and what lies in its place now."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from leapfrog.fleet.box_state import BoxState

# Over a link a state is on its way for seconds.
CLOCK_TOLERANCE = timedelta(minutes=5)
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)

# "unreadable": no state, or one that was changed. "forged": signed by nobody that is known here. "other": the state of
# another box. "older": there was a newer one. "doubled": another with the same number. "future": made after now.
DistrustKind = Literal["unreadable", "forged", "other", "older", "doubled", "future", "unknown"]


def in_utc(moment: datetime) -> datetime:
    """`moment` in UTC, within what calendars can show: a box may say anything."""
    return min(max(moment, EARLIEST), LATEST).astimezone(UTC)


@dataclass(frozen=True)
class Distrust:
    """Why the file that lies there is not believed, as a sentence; and since when it has lain there."""

    kind: DistrustKind
    why: str
    since: datetime


@dataclass(frozen=True)
class Heard:
    """The newest state that a box signed, when it arrived by the district's clock, and whether a stick brought it.
    `log_cut_at`: when it was found that its log of who did what lacks lines that it had had.
    """

    state: BoxState
    arrived_at: datetime
    by_stick: bool = False
    log_cut_at: datetime | None = None

    @property
    def made_at(self) -> datetime:
        """When it was made, by the box's clock."""
        return in_utc(self.state.made_at)

    @property
    def ahead(self) -> timedelta:
        """By how much the box's clock was at least ahead of the district's: nothing arrives before it was made."""
        return max(self.made_at - self.arrived_at, timedelta(0))

    @property
    def behind(self) -> timedelta:
        """By how much the box's clock was behind, by what came over the link within seconds. Of what a stick brought
        nobody knows; and a clock that is set over the network is right, so that the state waited.
        """
        if self.by_stick or self.state.clock.synchronised:
            return timedelta(0)
        return max(self.arrived_at - self.made_at, timedelta(0))

    @property
    def told_on(self) -> date:
        """The day of the box's own calendar on which it was made. That day, and its week, still ran then."""
        return self.state.made_at.date()

    @property
    def exams_on_full_days(self) -> tuple[int, ...]:
        """How many exams each day had that was over when the state was made, in their order."""
        days = sorted(self.state.exams_per_day, key=lambda one: one.day)
        return tuple(one.exams for one in days if one.day < self.told_on)


@dataclass(frozen=True)
class Box:
    """A box that the district knows by its key. `heard` is the newest that it said and that is believed, whatever lies
    in its place now; `missing`: nothing does.
    """

    name: str
    known_since: datetime
    heard: Heard | None = None
    distrust: Distrust | None = None
    missing: bool = True
    key_problem: str = ""


@dataclass(frozen=True)
class Stranger:
    """A file in the folder that is no known box's."""

    name: str
    distrust: Distrust
