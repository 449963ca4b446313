"""A box with something owed, and the senders that a test starts on it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from leapfrog.outbox.outbox import Outbox
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.outbox.pacing.timing import Timing
from leapfrog.settings import DestinationSettings, DistrictSettings
from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.journal import Journal
from leapfrog.state.records import DeliveryKind
from leapfrog.state.spool import Spool
from support.owed import owe_image, owe_result
from support.recording_proxy import Answer
from support.waiting import wait_until

QUICK = Timing(
    link=Backoff(first_seconds=0.05, cap_seconds=0.2),
    probe=Backoff(first_seconds=0.05, cap_seconds=0.2),
    delivery=Backoff(first_seconds=0.05, cap_seconds=0.2),
    locked_seconds=0.1,
)
PATIENT = Timing(link=Backoff(60.0, 60.0), probe=Backoff(60.0, 60.0), delivery=Backoff(60.0, 60.0), locked_seconds=60.0)
# What a server says that takes an instance and stores nothing, as Orthanc does when its disk is full.
NOTHING_STORED = Answer(
    200, b'{"00081198": {"vr": "SQ"}, "00081199": {"vr": "SQ"}}', content_type="application/dicom+json"
)


@dataclass
class Box:
    """Journal, spool and deliveries of one state directory, and the senders that a test starts on them."""

    journal: Journal
    spool: Spool
    deliveries: Deliveries
    fatal: list[str] = field(default_factory=list)
    senders: list[Outbox] = field(default_factory=list)

    def owe(self, pixel_bytes: int = 1000, *, urgent: bool = False, to: Sequence[str] = (DISTRICT,)) -> str:
        """Owe a made-up image and wake the senders, as an admission does; returns its SOP Instance UID."""
        uid = owe_image(self.journal, self.spool, pixel_bytes, urgent=urgent, owed_to=to)
        for sender in self.senders:
            sender.wake()
        return uid

    def owe_result(self, kind: DeliveryKind = "structured_report", byte_count: int = 5_000) -> str:
        """Owe a result of the first study and wake the senders; returns its SOP Instance UID."""
        uid = owe_result(self.journal, self.spool, kind, byte_count)
        for sender in self.senders:
            sender.wake()
        return uid

    def sender(
        self,
        url: str,
        timing: Timing = QUICK,
        timeouts: Timeouts | None = None,
        windows: SyncWindows | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        **settings: object,
    ) -> Outbox:
        """An outbox that sends to `url`, not started; the fixture stops it."""
        district = DistrictSettings.model_validate({"url": url, **settings})
        destination = district.destination()
        destinations = (destination,) if destination else ()
        return self.outbox(
            *destinations, limits=district, timing=timing, timeouts=timeouts, windows=windows, monotonic=monotonic
        )

    def outbox(
        self,
        *destinations: DestinationSettings,
        limits: DistrictSettings | None = None,
        timing: Timing = QUICK,
        timeouts: Timeouts | None = None,
        windows: SyncWindows | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Outbox:
        """An outbox that sends to `destinations`, not started; the fixture stops it."""
        outbox = Outbox(
            destinations,
            limits or DistrictSettings(),
            self.deliveries,
            self.spool,
            self.fatal.append,
            timing,
            timeouts,
            windows,
            monotonic,
        )
        self.senders.append(outbox)
        return outbox

    def wait_for_totals(self, name: str, **expected: int) -> None:
        """Wait until each named state has that many deliveries to that destination."""
        wait_until(
            lambda: self.deliveries.totals_of(name).items() >= expected.items(),
            f"deliveries to {name}: {expected}",
            deadline_seconds=30.0,
        )

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


def wait_for_link(sender: Outbox, word: str) -> None:
    """Wait until `status` says that of the link."""
    wait_until(lambda: sender.state().link == word, f"the link is {word}")


def wait_for_error(sender: Outbox, words: str) -> None:
    """Wait until those words are part of the last error."""
    wait_until(lambda: words in sender.state().last_error, f"an error with the words {words!r}")
