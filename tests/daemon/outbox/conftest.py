"""A box with something owed, and a real district server behind a proxy that counts and fails."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from leapfrog.journal import Journal
from leapfrog.outbox.backoff import Backoff
from leapfrog.outbox.connection import Timeouts
from leapfrog.outbox.deliveries import Deliveries
from leapfrog.outbox.schedule import SyncWindows
from leapfrog.outbox.sender import Sender, Timing
from leapfrog.settings import DistrictSettings
from leapfrog.spool import Spool
from support.orthanc import Orthanc, orthanc_program
from support.owed import open_state, owe_image
from support.recording_proxy import RecordingProxy
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


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    journal, spool = open_state(tmp_path)
    box = Box(journal, spool, Deliveries(journal))
    yield box
    for sender in box.senders:
        sender.stop()
    journal.close()
    assert box.fatal == []


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """One district server for a module; tests tell their instances by UID."""
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    with Orthanc(tmp_path_factory.mktemp("district")) as server:
        yield server


@pytest.fixture
def proxy(orthanc: Orthanc) -> Iterator[RecordingProxy]:
    with RecordingProxy(orthanc.dicomweb_url) as proxy:
        yield proxy
