"""What is carried to a destination on sticks: how `status` shows it, and when somebody should take one there."""

from datetime import datetime, timedelta

from leapfrog.language.sentence import sentence
from leapfrog.outbox.link import DestinationState
from leapfrog.outbox.told import with_article
from leapfrog.problem import Problem
from leapfrog.settings import DestinationSettings
from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.sending.exported import Exported, Sticks
from leapfrog.wording.text import count, span

# Once something has waited for so long on the box, a stick should go; and a stick should be back after so long.
STICK_IS_DUE = timedelta(days=7)
STICK_IS_MISSED = timedelta(days=30)

NO_LINK = "no link leads there; what is owed is carried (`leapfrog export`)"
STICK_IS_DUE_FOR_STAFF = sentence("Exams wait to be carried to the district on a stick. Tell the technician.")
STICK_IS_DUE_FOR_STAFF_OF = sentence("Exams wait to be carried to {destination} on a stick. Tell the technician.")


def carried_state(settings: DestinationSettings, deliveries: Deliveries) -> DestinationState:
    """Of a destination that no link reaches."""
    return DestinationState(
        name=settings.name,
        link="stick",
        explanation=NO_LINK,
        last_error="",
        next_attempt_in_seconds=None,
        last_confirmed_at=deliveries.last_confirmed_at(settings.name),
        deliveries=deliveries.totals_of(settings.name),
        oldest_owed_seconds=deliveries.oldest_owed_seconds_to(settings.name),
        sticks=sticks_of(settings, deliveries),
    )


def sticks_of(settings: DestinationSettings, deliveries: Deliveries) -> Sticks | None:
    """What was written on sticks for a destination; None when it has no key for that."""
    return Exported(deliveries.journal).sticks(settings.name) if settings.public_key else None


def carrying_problems(settings: DestinationSettings, deliveries: Deliveries, now: datetime) -> tuple[Problem, ...]:
    """Whether somebody should take a stick to a destination that no link reaches, or look for one that did not come
    back.
    """
    sticks = sticks_of(settings, deliveries)
    if settings.kind != "stick" or sticks is None:
        return ()
    waiting = deliveries.totals_of(settings.name)["waiting"]
    oldest = timedelta(seconds=deliveries.oldest_owed_seconds_to(settings.name) or 0.0)
    to = with_article(settings.name)
    if sticks.since is not None and _age(sticks.since, now) > STICK_IS_MISSED:
        missed = Problem(
            what=f"{count(sticks.unconfirmed, 'object')} went on a stick to {to}, and no receipt has come back.",
            since=sticks.since,
            remedy="Ask for the stick, and run `leapfrog import` with it. If it is lost, nobody can read it: write all"
            " that is owed on another one with `leapfrog export`.",
            in_worklist=False,
        )
        return (missed,)
    last = sticks.last_written_at
    # A clock that was years ahead when a stick was written, and is right now, must not keep anybody from the next one.
    since_last = None if last is None else _age(last, now)
    if not waiting or oldest < STICK_IS_DUE or (since_last is not None and timedelta() <= since_last < STICK_IS_DUE):
        return ()
    due = Problem(
        what=f"{count(waiting, 'object')} wait to be carried to {to}, the oldest for {span(oldest.total_seconds())};"
        f" {_told_of_last(last, since_last)}.",
        since=last or "",
        remedy="Put in a stick, run `leapfrog export` with the folder where it is mounted, and have it taken there.",
        for_staff=STICK_IS_DUE_FOR_STAFF
        if settings.name == DISTRICT
        else STICK_IS_DUE_FOR_STAFF_OF.format(destination=settings.name),
    )
    return (due,)


def _told_of_last(last: str | None, since_last: timedelta | None) -> str:
    if last is None or since_last is None:
        return "none went yet"
    if since_last < timedelta():
        return f"the last stick was written on {last[:10]}, as the clock was then"
    return f"the last stick was written {span(since_last.total_seconds())} ago"


def _age(moment: str, now: datetime) -> timedelta:
    return now - datetime.fromisoformat(moment)
