"""A clinic without its modalities and readers: films and results become owed as if these had made them."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

from clinic_day.plan import PlannedExam
from clinic_day.readings import MadeObject, Reading
from leapfrog.state.arrivals import record_of
from leapfrog.state.deliveries import Deliveries, owe
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.records import DeliveryKind, NewDelivery, NewInstance, StudyIdentity
from leapfrog.state.spool import Spool
from support.owed import COLUMNS, open_state, part10_bytes, secondary_capture

DESTINATION = "district"
# As long as they are, so that each object's can be put in their place.
UID_PLACES = tuple(f"1.2.826.0.1.3680043.8.498.{digit * 38}" for digit in "123")


@dataclass
class OwedObject:
    """One object that the district is owed: since when, and when it was confirmed (time.monotonic())."""

    kind: DeliveryKind
    urgent: bool
    queued: bool
    byte_count: int
    owed_at: float
    confirmed_at: float | None = None


class WatchedDeliveries(Deliveries):
    """Notes when each is confirmed."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.objects: dict[str, OwedObject] = {}  # by delivery id

    def confirm(self, delivery_id: str) -> None:
        super().confirm(delivery_id)
        self.objects[delivery_id].confirmed_at = time.monotonic()


@dataclass
class Template:
    """The beginning of an object whose pixels are zeros."""

    head: bytes
    byte_count: int

    @classmethod
    def of(cls, byte_count: int) -> "Template":
        """One of about so many bytes."""
        instance, study, series = UID_PLACES
        pixels = max(COLUMNS, byte_count // COLUMNS * COLUMNS)
        dataset = secondary_capture(
            pixels, SOPInstanceUID=instance, StudyInstanceUID=study, SeriesInstanceUID=series, PatientName="Nobody"
        )
        content = part10_bytes(dataset)
        return cls(content[: len(content) - pixels], len(content))

    def write(self, path: Path, sop_instance_uid: str, study_instance_uid: str) -> None:
        """An object of its own; the file takes no room on the disk for its zeros."""
        head = self.head
        for place, uid in zip(UID_PLACES, (sop_instance_uid, study_instance_uid, _uid()), strict=True):
            head = head.replace(place.encode(), uid.encode())
        with path.open("wb") as stream:
            stream.write(head)
            stream.truncate(self.byte_count)


def _uid() -> str:
    """One as long as the places for them."""
    while len(uid := generate_uid()) != len(UID_PLACES[0]):
        continue
    return str(uid)


@dataclass
class Clinic:
    """Its journal, its spool, and what it owes."""

    journal: Journal
    spool: Spool
    deliveries: WatchedDeliveries
    _templates: dict[int, Template] = field(default_factory=dict)

    @classmethod
    def at(cls, directory: Path) -> "Clinic":
        """A clinic whose box was just set up."""
        directory.mkdir(parents=True)
        journal, spool = open_state(directory)
        return cls(journal, spool, WatchedDeliveries(journal))

    def owe_film(self, byte_count: int, *, queued: bool = False) -> tuple[str, str]:
        """Take a film in. Returns its study's key and UID."""
        instance_id, uid, study_uid = new_id(), _uid(), _uid()
        template = self._template(byte_count)
        new = NewInstance(
            id=instance_id,
            spool_name=f"{instance_id}.dcm",
            byte_count=template.byte_count,
            source="test",
            study=StudyIdentity(study_instance_uid=study_uid),
            sop_instance_uid=uid,
            sop_class_uid=SecondaryCaptureImageStorage,
            owed_to=(DESTINATION,),
        )
        arriving = self.spool.incoming / new.id
        template.write(arriving, uid, study_uid)
        self.spool.adopt(arriving, new.spool_name, record_of(new))
        Instances(self.journal).add(new)
        [row] = self.journal.rows("SELECT id, study_key FROM deliveries WHERE instance_id = ?", (instance_id,))
        self._note(row["id"], "original", urgent=False, queued=queued, byte_count=template.byte_count)
        return str(row["study_key"]), study_uid

    def owe_results(self, exam: PlannedExam, study_key: str, study_uid: str, reading: Reading | None = None) -> None:
        """The report of an exam is made, and everything that is made of it: objects of the planned sizes, or the like
        of those of a real reading.
        """
        if reading is None:
            new = [self._made_up(kind, byte_count, study_uid) for kind, byte_count in exam.result_bytes.items()]
        else:
            new = [self._made(kind, one, study_uid) for kind, one in reading]
        with self.journal.transaction() as connection:
            if exam.urgent:
                connection.execute("UPDATE studies SET urgent = 1 WHERE key = ?", (study_key,))
                connection.execute("UPDATE deliveries SET urgent = 1 WHERE study_key = ?", (study_key,))
            for delivery in new:
                self._note(delivery.id, delivery.kind, urgent=exam.urgent, queued=False, byte_count=delivery.byte_count)
            owe(connection, new, study_key, None)

    def _made_up(self, kind: DeliveryKind, byte_count: int, study_uid: str) -> NewDelivery:
        delivery_id, uid, template = new_id(), _uid(), self._template(byte_count)
        template.write(self.spool.path(f"{delivery_id}.dcm"), uid, study_uid)
        return _owed(delivery_id, kind, SecondaryCaptureImageStorage, uid, template.byte_count)

    def _made(self, kind: DeliveryKind, made: MadeObject, study_uid: str) -> NewDelivery:
        delivery_id = new_id()
        uid, content = made.for_study(study_uid)
        self.spool.path(f"{delivery_id}.dcm").write_bytes(content)
        return _owed(delivery_id, kind, made.sop_class_uid, uid, len(content))

    def _note(self, delivery_id: str, kind: DeliveryKind, *, urgent: bool, queued: bool, byte_count: int) -> None:
        self.deliveries.objects[delivery_id] = OwedObject(kind, urgent, queued, byte_count, time.monotonic())

    def _template(self, byte_count: int) -> Template:
        if byte_count not in self._templates:
            self._templates[byte_count] = Template.of(byte_count)
        return self._templates[byte_count]


def _owed(
    delivery_id: str, kind: DeliveryKind, sop_class_uid: str, sop_instance_uid: str, byte_count: int
) -> NewDelivery:
    return NewDelivery(
        id=delivery_id,
        kind=kind,
        destinations=(DESTINATION,),
        sop_class_uid=sop_class_uid,
        sop_instance_uid=sop_instance_uid,
        spool_name=f"{delivery_id}.dcm",
        byte_count=byte_count,
    )
