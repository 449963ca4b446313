"""Something owed to a DICOM archive, and the courier that brings it there."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from leapfrog.outbox.associations import Associations
from leapfrog.outbox.courier import Surroundings, Verdict
from leapfrog.outbox.destinations.dicom.caller import Slack
from leapfrog.outbox.destinations.dicom.courier import DicomCourier
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.processes.call_messages import Patience
from leapfrog.settings import DestinationSettings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.known_instances import KnownInstances
from leapfrog.state.records import CommittedReading, DeliveryRecord
from leapfrog.state.spool import Spool
from support.journal_rows import reading_of
from support.owed import open_state, owe, part10_bytes, secondary_capture

QUICK = Patience(connect_seconds=2.0, associate_seconds=0.5, answer_seconds=0.7, still_seconds=0.7, idle_seconds=0.3)


@dataclass
class CourierBox:
    """Journal and spool of one state directory, and its couriers."""

    journal: Journal
    spool: Spool
    deliveries: Deliveries
    couriers: list[DicomCourier] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    associations: Associations = field(default_factory=Associations)

    def owe(self, pixel_bytes: int = 1000, *, forward_as: str | None = None, **attributes: object) -> DeliveryRecord:
        """Owe a made-up image."""
        return self.owe_dataset(secondary_capture(pixel_bytes, **attributes), forward_as=forward_as)

    def owe_dataset(self, dataset: Dataset, *, forward_as: str | None = None) -> DeliveryRecord:
        """Owe an image in Explicit VR Little Endian."""
        return self.owe_bytes(part10_bytes(dataset), str(dataset.SOPInstanceUID), forward_as=forward_as)

    def owe_bytes(
        self, content: bytes, sop_instance_uid: str, *, sop_class_uid: str = "", forward_as: str | None = None
    ) -> DeliveryRecord:
        """Owe a file."""
        instance_id = owe(self.journal, self.spool, content, sop_instance_uid, forward_as=forward_as)
        if forward_as:  # one that is renamed is sent once it was looked at
            Instances(self.journal).commit_reading(
                CommittedReading(instance_id=instance_id, state="set_aside", reading=reading_of(instance_id))
            )
        with self.journal.transaction() as connection:
            connection.execute("UPDATE deliveries SET destination = 'archive'")
            if sop_class_uid:
                connection.execute(
                    "UPDATE deliveries SET sop_class_uid = ? WHERE sop_instance_uid = ?",
                    (sop_class_uid, forward_as or sop_instance_uid),
                )
        return self.deliveries.listed()[-1]

    def courier(self, port: int, *, host: str = "127.0.0.1", **settings: Any) -> DicomCourier:
        """A courier to an archive called ARCHIVE."""
        archive = DestinationSettings.model_validate(
            {"name": "archive", "kind": "dicom", "host": host, "port": port, "ae_title": "ARCHIVE", **settings}
        )
        throttle = Throttle(0, time.sleep)
        around = Surroundings(
            deliveries=self.deliveries,
            spool=self.spool,
            known=KnownInstances(self.journal),
            throttle=throttle,
            pace=Pace(throttle, lambda: None),
            timeouts=Timeouts(),
            progress=lambda: None,
            answered=lambda: None,
            ae_title="LEAPFROG",
            handed_over=lambda: self.asked.append("asked"),
            associations=self.associations,
        )
        courier = DicomCourier(archive, around, QUICK, Slack(start_seconds=10.0, buffered_seconds=2.0))
        self.couriers.append(courier)
        return courier

    def again(self, delivery: DeliveryRecord) -> DeliveryRecord:
        """The delivery as the journal has it now."""
        found = self.deliveries.get(delivery.id)
        assert found is not None
        return found

    def make(self, courier: DicomCourier, delivery: DeliveryRecord) -> Verdict:
        """One attempt."""
        return courier.make(self.again(delivery), proven=False)


def most_memory(pid: int | None) -> int:
    """The most bytes that a process had in memory so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


@contextmanager
def courier_box(directory: Path) -> Iterator[CourierBox]:
    """A box whose couriers are ended with it."""
    directory.mkdir(exist_ok=True)
    journal, spool = open_state(directory)
    box = CourierBox(journal, spool, Deliveries(journal))
    try:
        yield box
    finally:
        for courier in box.couriers:
            courier.close()
        journal.close()
