"""A separate process that sends what a state directory owes, for tests to kill. Arguments: STATE_DIR URL RATE."""

import sys
import threading
from pathlib import Path

from leapfrog.outbox.backoff import Backoff
from leapfrog.outbox.outbox import Outbox
from leapfrog.outbox.timing import Timing
from leapfrog.settings import DistrictSettings
from leapfrog.state.deliveries import Deliveries
from support.owed import open_state

if __name__ == "__main__":
    journal, spool = open_state(Path(sys.argv[1]))
    district = DistrictSettings(url=sys.argv[2], bytes_per_second=int(sys.argv[3]))
    timing = Timing(link=Backoff(0.05, 0.2), probe=Backoff(0.05, 0.2), delivery=Backoff(0.05, 0.2))
    ended = threading.Event()
    destination = district.destination()
    assert destination is not None
    Outbox((destination,), district, Deliveries(journal), spool, lambda reason: ended.set(), timing).start()
    ended.wait()
