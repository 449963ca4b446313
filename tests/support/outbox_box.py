"""A box with something owed, and the senders that a test starts on it."""

from dataclasses import dataclass, field

from leapfrog.outbox.backoff import Backoff
from leapfrog.outbox.destinations.dicomweb.connection import Timeouts
from leapfrog.outbox.schedule import SyncWindows
from leapfrog.outbox.sender import Sender, Timing
from leapfrog.settings import DistrictSettings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from support.owed import owe_image
from support.waiting import wait_until

QUICK = Timing(
    link=Backoff(first_seconds=0.05, cap_seconds=0.2),
    delivery=Backoff(first_seconds=0.05, cap_seconds=0.2),
    locked_seconds=0.1,
    poll_seconds=0.05,
)


@dataclass
class Box:
    """Journal, spool and deliveries of one state directory, and the senders that a test starts on them."""

    journal: Journal
    spool: Spool
    deliveries: Deliveries
    fatal: list[str] = field(default_factory=list)
    senders: list[Sender] = field(default_factory=list)

    def owe(self, pixel_bytes: int = 1000, *, urgent: bool = False) -> str:
        """Owe a made-up image; returns its SOP Instance UID."""
        return owe_image(self.journal, self.spool, pixel_bytes, urgent=urgent)

    def sender(
        self,
        url: str,
        timing: Timing = QUICK,
        timeouts: Timeouts | None = None,
        windows: SyncWindows | None = None,
        **settings: object,
    ) -> Sender:
        """A sender to `url`, not started; the fixture stops it."""
        district = DistrictSettings.model_validate({"url": url, **settings})
        sender = Sender(district, self.deliveries, self.spool, self.fatal.append, timing, timeouts, windows)
        self.senders.append(sender)
        return sender

    def count(self, state: str) -> int:
        """How many deliveries are in that state."""
        return self.journal.counts("deliveries")[state]

    def wait_for(self, **expected: int) -> None:
        """Wait until each named state has that many deliveries."""
        wait_until(
            lambda: all(self.count(state) == count for state, count in expected.items()),
            f"deliveries {expected}",
            deadline_seconds=30.0,
        )
