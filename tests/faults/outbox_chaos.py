"""Chaos before the district: resets at any byte, half answers, lies, web pages and every odd answer, all mixed."""

from pathlib import Path

from faults.order import Order
from faults.table import Row, Table
from support.chaos import Chaos, ChaosResult
from support.orthanc import Orthanc

NAME = "outbox-chaos"
DOSE = 20.0  # minutes


def run(order: Order) -> Table:
    """So many minutes, or so many films, with one outbox and one district server."""
    minutes = None if order.count else order.minutes or DOSE
    table = order.table(NAME, f"{minutes:g} minutes" if minutes else f"{order.count} films")
    with order.folder() as directory:
        result = _run(directory, order, minutes)
    table.rows.append(_result_row(result))
    # What befell how many requests. The films are those of the first row.
    table.rows += [Row(kind, times, 0, 0, 0, 0, 0.0) for kind, times in sorted(result.befallen.items())]
    return table


def _run(directory: Path, order: Order, minutes: float | None) -> ChaosResult:
    state = directory / "state"
    state.mkdir()
    with Orthanc(directory / "district") as district:
        order.progress.say("A district server runs, with chaos before it")
        chaos = Chaos(state, district, order.seed)
        return chaos.run(seconds=minutes * 60) if minutes else chaos.run(films=order.count)


def _result_row(result: ChaosResult) -> Row:
    """`seconds` is how long, once there was calm, it took until everything was confirmed."""
    return Row(
        "all of the below, mixed",
        0,
        result.films,
        len(result.lost),
        len(result.doubled),
        0,
        result.calm_after_seconds,
        ended=len(result.fatal),
        finished=not result.unconfirmed and not result.is_busy,
        may_end=False,
        remarks=(
            f"{result.requests} requests",
            f"{result.restarts} restarts",
            f"{result.retried_by_hand} times retried by a person after a refusal without cause",
        ),
    )
