"""The link breaks at each byte of what goes to the district and comes back: of an original, of a result, and of several
results in one request.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from faults.order import Order
from faults.table import Row, Table
from support.every_byte import WHAT, Outcome, What, broken_at, places
from support.orthanc import Orthanc

NAME = "every-byte"


def run(order: Order) -> Table:
    """At every byte, or at so many bytes each way that are evenly spread."""
    dose = f"{order.count} bytes each way" if order.count else "every byte"
    table = order.table(NAME, dose)
    with ThreadPoolExecutor(order.at_once) as pool:
        table.rows.extend(pool.map(lambda what: _row_of(what, order), [what for what in WHAT if order.wants(what)]))
    return table


def _row_of(what: What, order: Order) -> Row:
    outcome, longest = Outcome(), 0.0
    with order.folder() as directory, Orthanc(directory / "district") as district:
        for place in places(what, district, order.count):
            began = time.monotonic()
            outcome.add(broken_at(what, district, place))
            longest = max(longest, time.monotonic() - began)
            if outcome.breaks % 500 == 0:
                order.progress.say(f"{what}: {outcome.breaks} breaks")
    return Row(
        f"a break within {what}",
        outcome.breaks,
        outcome.objects,
        len(outcome.lost),
        len(outcome.doubled),
        0,
        longest,
        ended=len(outcome.fatal),
        may_end=False,
    )
