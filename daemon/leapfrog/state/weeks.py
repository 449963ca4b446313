"""How many exams came on each day, and what those of each week came to. The journal's triggers count, as reports are
committed: so it costs the same for any number of exams, and exams that are deleted stay counted.

An exam counts once, on the day on which its first image was received, by the clock of then. Where that was wrong, it
stays in a wrong week; it is counted again only if it was deleted here and is sent anew. Demonstrations do not count.
"""

from datetime import date, timedelta

from leapfrog.fleet.box_state import DAYS_TOLD, WEEKS_TOLD, DayCount, WeekCount
from leapfrog.state.journal import Journal


class Weeks:
    """The tables `days` and `weeks`. Any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal

    def days(self, today: date) -> tuple[DayCount, ...]:
        """The last 14 days up to `today`, also those without any exam."""
        days = [(today - timedelta(days=ago)).isoformat() for ago in range(DAYS_TOLD - 1, -1, -1)]
        rows = self._journal.rows("SELECT day, exams FROM days WHERE day BETWEEN ? AND ?", (days[0], days[-1]))
        exams = {row["day"]: row["exams"] for row in rows}
        return tuple(DayCount(day=date.fromisoformat(day), exams=exams.get(day, 0)) for day in days)

    def weeks(self, today: date) -> tuple[WeekCount, ...]:
        """Those of the last 26 weeks up to that of `today` in which an exam came."""
        first, last = _week(today - timedelta(weeks=WEEKS_TOLD - 1)), _week(today)
        rows = self._journal.rows(
            "SELECT week, exams, urgent, not_assessed, answered, differing FROM weeks"
            " WHERE week BETWEEN ? AND ? AND exams > 0 ORDER BY week",
            (first, last),
        )
        return tuple(WeekCount(**dict(row)) for row in rows)


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"
