"""A box with something owed and no daemon, sticks, and a district that reads them and signs receipts."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from leapfrog.commands.stick.export import export
from leapfrog.commands.stick.receipts import Imported, import_from
from leapfrog.commands.stick.told import Written
from leapfrog.district_key import DistrictKey, district_key
from leapfrog.settings import Settings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.journal import Journal
from leapfrog.state.records import DeliveryKind
from leapfrog.state.station.station_key import station_key
from leapfrog.stick.layout import PartName, Stick
from leapfrog.stick.parcel import Manifest, ParcelObject, read_parcel
from leapfrog.stick.receipt import Confirmed, Receipt, Refused, signed_receipt
from support.owed import open_state, owe_image, owe_result

PART_BYTES = 300_000  # small, so that a few images make several parts


@dataclass
class Arrived:
    """What a district found on a stick: manifests, and the content of each object by its SOP Instance UID."""

    manifests: dict[PartName, Manifest] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)

    @property
    def objects(self) -> list[ParcelObject]:
        """All objects, in the order of exports and parts."""
        return [entry for manifest in self.manifests.values() for entry in manifest.objects]

    def take(self, entry: ParcelObject, file: BinaryIO) -> None:
        """What a reader hands on."""
        content = file.read()
        assert hashlib.sha256(content).hexdigest() == entry.sha256
        self.contents[entry.sop_instance_uid] = content
        self.times[entry.sop_instance_uid] = self.times.get(entry.sop_instance_uid, 0) + 1


class StickBox:
    """One box and its district. Its journal is open while a test makes it owe something, and closed for commands."""

    def __init__(self, directory: Path, **district: object) -> None:
        """Within the folder `directory`; `district` are further keys of [district]."""
        self.directory = directory
        self.key = district_key(directory / "district" / "district.key")
        self.state_dir = directory / "state"
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self.settings = self.with_settings(**district)
        journal, _ = open_state(self.state_dir)
        journal.close()
        station_key(self.state_dir)

    def with_settings(self, **district: object) -> Settings:
        """The settings of this box, with further keys of [district]."""
        return Settings.model_validate(
            {"station": {"state_dir": self.state_dir}, "district": {"public_key": str(self.key.public), **district}}
        )

    def owe(self, count: int = 1, pixel_bytes: int = 100_000, *, urgent: bool = False) -> list[str]:
        """Owe made-up images. Returns their SOP Instance UIDs, the oldest first."""
        journal, spool = open_state(self.state_dir)
        try:
            return [owe_image(journal, spool, pixel_bytes, urgent=urgent) for _ in range(count)]
        finally:
            journal.close()

    def owe_result(self, kind: DeliveryKind = "structured_report") -> str:
        """Owe a result of the first exam. Returns its SOP Instance UID."""
        journal, spool = open_state(self.state_dir)
        try:
            return owe_result(journal, spool, kind)
        finally:
            journal.close()

    def in_journal(self, do: Callable[[Journal], Any]) -> Any:
        """What `do` returns of the open journal."""
        journal = Journal(self.state_dir / "journal.sqlite")
        try:
            return do(journal)
        finally:
            journal.close()

    def states(self) -> dict[str, str]:
        """The state of each delivery, by SOP Instance UID."""
        rows = self.in_journal(lambda journal: journal.rows("SELECT sop_instance_uid, state FROM deliveries"))
        return {row["sop_instance_uid"]: row["state"] for row in rows}

    def count(self, state: str) -> int:
        """How many deliveries are in that state."""
        return list(self.states().values()).count(state)

    def retry(self, sop_instance_uid: str) -> int:
        """What `leapfrog retry` does to the delivery of that object."""

        def do(journal: Journal) -> int:
            (row,) = journal.rows("SELECT id FROM deliveries WHERE sop_instance_uid = ?", (sop_instance_uid,))
            return Deliveries(journal).retry(row["id"])

        return int(self.in_journal(do))

    def new_district_key(self) -> None:
        """The district lost its key, made another, and this box was told."""
        file = self.directory / "district" / "district.key"
        file.unlink()
        self.key = district_key(file)
        self.settings = self.with_settings()

    def new_station_key(self) -> None:
        """What `leapfrog station key --new` does after the key was lost."""
        station_key(self.state_dir)

    def spool_file(self, sop_instance_uid: str) -> Path:
        """Where an object lies in the spool."""
        query = "SELECT spool_name FROM deliveries WHERE sop_instance_uid = ?"
        (row,) = self.in_journal(lambda journal: journal.rows(query, (sop_instance_uid,)))
        return self.state_dir / "spool" / str(row["spool_name"])

    def stick(self, name: str = "stick") -> Path:
        """An empty folder that stands for a stick."""
        folder = self.directory / name
        folder.mkdir(exist_ok=True)
        return folder

    def export(self, stick: Path, **options: Any) -> Written:
        """`leapfrog export`, in small parts."""
        return export(self.settings, stick, **{"part_bytes": PART_BYTES, **options})

    def bring_back(self, stick: Path) -> Imported:
        """`leapfrog import`."""
        return import_from(self.settings, stick)

    # ------------------------------------------------------------ at the district

    def arrived(self, stick: Path) -> Arrived:
        """What the district finds on the stick of this box."""
        found, here = Arrived(), Stick(stick)
        mine = self.in_journal(lambda journal: journal.rows("SELECT DISTINCT export_id FROM exported_parts"))
        for part in here.parts():
            if part.export_id not in [row["export_id"] for row in mine]:
                continue
            with here.reading(part) as file:
                manifest = read_parcel(
                    file, self.key.identity, lambda one: [entry.delivery_id for entry in one.objects], found.take
                )
            found.manifests[part] = manifest
        return found

    def receipt(
        self,
        manifest: Manifest,
        *,
        without: Collection[str] = (),
        refusing: Collection[str] = (),
        key: DistrictKey | None = None,
        changed: Mapping[str, object] | None = None,
    ) -> bytes:
        """A receipt for a part, without the objects of these SOP Instance UIDs, and refusing others; signed with the
        district's key, or another's; with some values `changed` before it is signed.
        """
        taken = [one for one in manifest.objects if one.sop_instance_uid not in {*without, *refusing}]
        refused = [one for one in manifest.objects if one.sop_instance_uid in refusing]
        signing = key or self.key
        values: dict[str, object] = {
            "export_id": manifest.export_id,
            "part": manifest.part,
            "station_key": manifest.station_key,
            "district": signing.public.verify_key.hex(),
            "confirmed": tuple(Confirmed(delivery_id=one.delivery_id, sha256=one.sha256) for one in taken),
            "refused": tuple(Refused(delivery_id=one.delivery_id, reason="Its server is full.") for one in refused),
            "made_at": "2026-11-30T12:00:00+00:00",
        }
        return signed_receipt(Receipt.model_validate(values | dict(changed or {})), signing.sign)

    def give_receipts(self, stick: Path, *, without: Collection[str] = (), refusing: Collection[str] = ()) -> Arrived:
        """Read the stick at the district, and put receipts on it."""
        found, here = self.arrived(stick), Stick(stick)
        for part, manifest in found.manifests.items():
            here.write("receipts", part.receipt, self.receipt(manifest, without=without, refusing=refusing))
        return found
