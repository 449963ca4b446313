"""A box's intake with real parts: journal, spool and admission, receivers and folder watchers."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leapfrog.dicom.part10 import content_digest
from leapfrog.intake.admission import Admission
from leapfrog.intake.folder.watcher import FolderWatcher
from leapfrog.intake.folder.wholeness import Rests
from leapfrog.intake.receiver.dicom_receiver import DicomReceiver
from leapfrog.intake.receiver.peer_log import PeerLog
from leapfrog.intake.receiver.promise import Promises
from leapfrog.outbox.commitments.desk import CommitmentDesk
from leapfrog.settings import DicomSettings, FolderSettings, Settings, StationSettings
from leapfrog.state.commitments import Commitments
from leapfrog.state.exam_numbers import ExamNumbers
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import InstanceRecord
from leapfrog.state.spool import Spool
from support.ports import free_port
from support.waiting import wait_until

QUICK_RESTS = Rests(settle=0.1, unfinished=1.5, zeros=1.5, unseen=3.0)


@dataclass
class Box:
    """The intake's parts. `received` counts the calls that announce a new instance."""

    state_dir: Path
    journal: Journal
    spool: Spool
    admission: Admission
    received: list[None]
    commitments: CommitmentDesk
    promises: Promises | None = None
    stops: list[Callable[[], None]] = field(default_factory=list)

    def receiver(self, **settings: Any) -> tuple[DicomReceiver, int]:
        """A started receiver and its port."""
        port = free_port()
        receiver = DicomReceiver(
            DicomSettings(host="127.0.0.1", port=port, **settings),
            self.admission,
            self.spool,
            self.commitments,
            self.promises,
        )
        receiver.start()
        self.stops.append(receiver.stop)
        return receiver, port

    def watcher(self, **settings: Any) -> FolderWatcher:
        """A started watcher that settles quickly."""
        rests = settings.pop("rests", QUICK_RESTS)
        quick = {"settle_seconds": rests.settle, "rescan_seconds": 0.3, **settings}
        watcher = FolderWatcher(
            Settings(station=StationSettings(state_dir=self.state_dir), folder=FolderSettings(**quick)),
            self.admission,
            self.journal,
            self.spool,
            rests,
        )
        watcher.start()
        self.stops.append(watcher.stop)
        return watcher

    @property
    def inbox(self) -> Path:
        """The default watched folder."""
        return self.state_dir / "inbox"

    def instances(self) -> list[InstanceRecord]:
        """All instances, oldest first."""
        return Instances(self.journal).listed()[::-1]

    def digest_of(self, instance_id: str) -> str:
        """The digest of an instance's data set, as a reader notes it."""
        record = Instances(self.journal).get(instance_id)
        assert record is not None
        return content_digest(self.spool.path(record.spool_name), record.byte_count)

    def spool_files(self) -> set[str]:
        """The names in the spool; what is in `incoming` with its folder's name before it."""
        return {
            str(path.relative_to(self.spool.directory)) for path in self.spool.directory.rglob("*") if path.is_file()
        }

    def owed(self) -> list[tuple[str, str | None]]:
        """SOP Instance UID and spool file of each original that is owed, oldest first."""
        with self.journal.transaction() as connection:
            rows = connection.execute("SELECT sop_instance_uid, spool_name FROM deliveries ORDER BY sequence")
            return [(row["sop_instance_uid"], row["spool_name"]) for row in rows]


def make_box(state_dir: Path, *, owed: bool = True, min_free_bytes: int = 0) -> Box:
    """A box in `state_dir`."""
    (state_dir / "inbox").mkdir(parents=True, exist_ok=True)
    journal = Journal(state_dir / "journal.sqlite")
    spool = Spool(state_dir / "spool", min_free_bytes)
    received: list[None] = []
    numbers = ExamNumbers(journal, state_dir, settled=True)
    admission = Admission(journal, spool, numbers, ("district",) if owed else (), lambda: received.append(None))
    return Box(state_dir, journal, spool, admission, received, make_desk(journal))


def make_desk(journal: Journal) -> CommitmentDesk:
    """A desk at which nobody verifies or calls."""
    return CommitmentDesk(Commitments(journal), (), lambda: None, PeerLog(logging.getLogger(__name__)))


def wait_for_scans(watcher: FolderWatcher, count: int = 2) -> None:
    """Let the watcher look through its folders so many times more."""
    before = watcher.scans()
    wait_until(lambda: watcher.scans() >= before + count, "another scan", deadline_seconds=30)
