"""Whether the wall clock can be right."""

from datetime import datetime, timedelta

from leapfrog.language.sentence import sentence
from leapfrog.problem import Problem
from leapfrog.state.journal import EARLIEST_YEAR

TOLERANCE = timedelta(days=1)
WRONG_FOR_STAFF = sentence(
    "The clock of this box is wrong: do not trust the dates and times below. Tell the technician."
)


def clock_problem(now: datetime, newest_received_at: str | None) -> Problem | None:
    """Why `now` cannot be the time, or None. `newest_received_at` is when the last image came, as local ISO text."""
    shown = f"{now:%Y-%m-%d %H:%M}"
    remedy = (
        "Set it: `timedatectl set-time 'YYYY-MM-DD HH:MM'`, or connect the box to a network with a time server. A"
        " clock that is wrong again after each start needs a new battery."
    )
    if now.year < EARLIEST_YEAR:
        return Problem(
            what=f"The clock of this box is wrong: it shows {shown}.", remedy=remedy, for_staff=WRONG_FOR_STAFF
        )
    newest = _parsed(newest_received_at)
    if newest is not None and newest > now + TOLERANCE:
        return Problem(
            what=f"The clock of this box shows {shown}, but an image was received on {newest:%Y-%m-%d %H:%M}: it was"
            " set back, or it was ahead then.",
            remedy=remedy,
            for_staff=WRONG_FOR_STAFF,
        )
    return None


def _parsed(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
