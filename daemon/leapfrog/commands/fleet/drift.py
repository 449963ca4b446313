"""Whether a box's results have changed against the box's own past: drift.

Each box is compared with itself, never with another: clinics differ. The last RECENT_WEEKS full weeks together stand
against the weeks before them, by Fisher's exact test, which holds for few exams as well. The week that still runs is
left out: with one look a week there is one chance a week for a false alarm, and answers of radiologists come later.
A change must be more than chance, and large enough to matter: weeks differ more than coins do.

What this costs in false alarms, and what it finds, `python -m support.drift_trial` measures (from tests/); the numbers
are in config/fleet.md. Where a box's weeks always differ by more than chance, they are trusted less (`_scatter`): with
shares that go up and down by 30 % of themselves, false alarms were six times as frequent without that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, lgamma
from typing import Literal

from leapfrog.fleet.box_state import WeekCount

RECENT_WEEKS = 4
PAST_WEEKS = 8  # with exams, at least
FEWEST_RECENT = 20  # exams that are counted, or answers
FEWEST_PAST = 50
FEWEST_EVENTS = 5  # that were seen, or where they became fewer: that were to be expected
MOST_A_WEEK = 50_000  # exams; no box reads more
CHANCE = 0.0005  # of as large a change in this direction, if nothing had changed
FACTOR = 1.5  # times as often, or as seldom
POINTS = 0.02

Measure = Literal["urgent", "not_assessed", "differing"]
MEASURES: tuple[Measure, ...] = ("urgent", "not_assessed", "differing")
# Fewer exams that could not be assessed, or fewer differences, are no reason to look at a box.
ALSO_FEWER: frozenset[Measure] = frozenset({"urgent"})

RULE = (
    f"The last {RECENT_WEEKS} full weeks of a box together stand against its own weeks before them (at least"
    f" {PAST_WEEKS} with exams). It counts as a change if chance alone would bring it in less than 1 of"
    f" {round(1 / CHANCE):,} such comparisons (Fisher's exact test), if the share is {FACTOR:g} times as large or as"
    f" small, and differs by {100 * POINTS:g} points or more; never from fewer than {FEWEST_RECENT} exams now,"
    f" {FEWEST_PAST} before, or {FEWEST_EVENTS} cases. On made-up boxes with 10 to 100 exams a week it gave 1 to"
    " 6 false alarms a year in 50 boxes, and found within two months two of three shares that doubled, at 30 exams a"
    " week."
)


@dataclass(frozen=True)
class Counted:
    """`events` of `of` exams, or answers."""

    events: int
    of: int

    @property
    def share(self) -> float:
        """From 0 to 1; 0 of nothing."""
        return self.events / self.of if self.of else 0.0


@dataclass(frozen=True)
class Drift:
    """A share that changed: what it is now, what it was, and the Monday of the first week that showed it."""

    measure: Measure
    now: Counted
    before: Counted
    since: date

    @property
    def more(self) -> bool:
        """Whether it became more."""
        return self.now.share > self.before.share


def drifts(weeks: Sequence[WeekCount], today: date) -> tuple[Drift, ...]:
    """What has changed at a box whose weeks these are, seen on `today`."""
    full = full_weeks(weeks, today)
    return tuple(found for measure in MEASURES if (found := _drift(full, measure)) is not None)


def full_weeks(weeks: Iterable[WeekCount], today: date) -> list[WeekCount]:
    """Those that are over on `today`, in their order; each once."""
    ended = {monday: week for week in weeks if (monday := monday_of(week.week)) is not None}
    return [ended[monday] for monday in sorted(ended) if today - monday >= timedelta(days=7)]


def monday_of(week: str) -> date | None:
    """The first day of an ISO week such as 2026-W48; None if there is no such week."""
    year, _, number = week.partition("-W")
    try:
        return date.fromisocalendar(int(year), int(number), 1)
    except ValueError:
        return None


def counted(weeks: Iterable[WeekCount], measure: Measure) -> Counted:
    """What these weeks say of a measure, together. Numbers that cannot be, such as 3 of 2, are left out."""
    pairs = [_pair(week, measure) for week in weeks]
    whole = [(events, of) for events, of in pairs if events <= of <= MOST_A_WEEK]
    return Counted(sum(events for events, _ in whole), sum(of for _, of in whole))


def _pair(week: WeekCount, measure: Measure) -> tuple[int, int]:
    if measure == "differing":
        return week.differing, week.answered
    return (week.urgent if measure == "urgent" else week.not_assessed), week.exams


def _drift(weeks: Sequence[WeekCount], measure: Measure) -> Drift | None:
    found = _compared(weeks, measure)
    if found is None:
        return None
    last = len(weeks)
    while (earlier := _compared(weeks[: last - 1], measure)) is not None and earlier.more == found.more:
        last -= 1
    return Drift(measure, found.now, found.before, _since(weeks[last - 1]))


def _since(week: WeekCount) -> date:
    monday = monday_of(week.week)
    assert monday is not None  # full_weeks left others out
    return monday


def _compared(weeks: Sequence[WeekCount], measure: Measure) -> Drift | None:
    """The change of the last weeks of these against those before, if it is one."""
    if not weeks:
        return None
    past, recent = weeks[:-RECENT_WEEKS], weeks[-RECENT_WEEKS:]
    if sum(_pair(week, measure)[1] > 0 for week in past) < PAST_WEEKS:
        return None
    now, before = counted(recent, measure), counted(past, measure)
    if now.of < FEWEST_RECENT or before.of < FEWEST_PAST:
        return None
    scatter = _scatter(past, measure)
    changed = _more(now, before, scatter) or (measure in ALSO_FEWER and _fewer(now, before, scatter))
    return Drift(measure, now, before, _since(weeks[-1])) if changed else None


def _scatter(past: Sequence[WeekCount], measure: Measure) -> float:
    """How much more these weeks differ from each other than by chance (Pearson's chi-squared over its degrees of
    freedom, as in a quasi-binomial model): 1 where they do not.
    """
    weeks = [one for week in past if (one := counted((week,), measure)).of]
    share = counted(past, measure).share
    if not 0 < share < 1 or len(weeks) < 2:
        return 1.0
    squares = sum((one.events - one.of * share) ** 2 / (one.of * share * (1 - share)) for one in weeks)
    return max(1.0, squares / (len(weeks) - 1))


def _more(now: Counted, before: Counted, scatter: float) -> bool:
    return (
        now.events >= FEWEST_EVENTS
        and now.share >= FACTOR * before.share
        and now.share - before.share >= POINTS
        and _chance_of_as_many(now, before, scatter) < CHANCE
    )


def _fewer(now: Counted, before: Counted, scatter: float) -> bool:
    others_now, others_before = (Counted(one.of - one.events, one.of) for one in (now, before))
    return (
        now.of * before.share >= FEWEST_EVENTS
        and FACTOR * now.share <= before.share
        and before.share - now.share >= POINTS
        and _chance_of_as_many(others_now, others_before, scatter) < CHANCE
    )


def _chance_of_as_many(now: Counted, before: Counted, scatter: float) -> float:
    """Fisher's exact test, one side: how probable it is that `now` has so many of all events, or more, if they fell
    anywhere (hypergeometric distribution). With `scatter`, an exam counts as that part of one.
    """
    now, before = (Counted(round(one.events / scatter), round(one.of / scatter)) for one in (now, before))
    events, of = now.events + before.events, now.of + before.of
    total = _log_choose(of, now.of)
    highest = min(events, now.of)
    chance = 0.0
    for count in range(now.events, highest + 1):
        term = exp(_log_choose(events, count) + _log_choose(of - events, now.of - count) - total)
        chance += term
        if term <= 1e-12 * chance:  # above the middle they only become smaller
            break
    return chance


def _log_choose(of: int, count: int) -> float:
    if not 0 <= count <= of:
        return float("-inf")
    return lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)
