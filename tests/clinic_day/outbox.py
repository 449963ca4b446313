"""The box's outbox, as the daemon has it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clinic_day.clinic import Clinic
from leapfrog.outbox.precedence import Precedence
from leapfrog.outbox.sender import Sender
from leapfrog.outbox.throttle import Throttle
from leapfrog.settings import DistrictSettings

HANDS = ((0, 2), (1, 3, 4, 5, 6), (7, 8))


@contextmanager
def start_outbox(
    clinic: Clinic, url: str, throttle: Throttle, on_fatal: Callable[[str], None]
) -> Iterator[Callable[[], None]]:
    """It runs as long as the context lasts. What it gives wakes it."""
    precedence = Precedence()
    settings = DistrictSettings(url=url)
    senders = [
        Sender(
            settings, clinic.deliveries, clinic.spool, on_fatal, ranks=ranks, precedence=precedence, throttle=throttle
        )
        for ranks in HANDS
    ]
    for sender, name in zip(senders, ("reports", "results", "originals")):
        sender._thread.name = name
        sender.start()
    try:
        yield lambda: [sender.wake() for sender in senders] and None
    finally:
        for sender in senders:
            sender.stop()
