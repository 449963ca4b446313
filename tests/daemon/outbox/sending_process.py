"""Sends, in a process that tests kill, what a state directory owes. Arguments: STATE_DIR RATE NAME=URL..."""

import sys
import threading
from pathlib import Path

from leapfrog.outbox.outbox import Outbox
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.outbox.pacing.timing import Timing
from leapfrog.settings import DistrictSettings
from leapfrog.state.deliveries import Deliveries
from support.destinations import a_destination
from support.owed import open_state

if __name__ == "__main__":
    journal, spool = open_state(Path(sys.argv[1]))
    limits = DistrictSettings(bytes_per_second=int(sys.argv[2]))
    destinations = [a_destination(name, url=url) for name, url in (one.split("=") for one in sys.argv[3:])]
    timing = Timing(link=Backoff(0.05, 0.2), probe=Backoff(0.05, 0.2), delivery=Backoff(0.05, 0.2))
    ended = threading.Event()
    Outbox(destinations, limits, Deliveries(journal), spool, lambda reason: ended.set(), timing).start()
    ended.wait()
