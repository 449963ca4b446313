"""Sticks as boxes write them, without a box: parts with objects of nobody, signed and encrypted as theirs are."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from leapfrog.district_key import DistrictKey, district_key
from leapfrog.fleet.box_state import BoxState, Clock, Device
from leapfrog.fleet.signed_state import sign_state
from leapfrog.signed_json import parsed
from leapfrog.state.station.station_key import StationKey, station_key
from leapfrog.stick.layout import PartName, Stick
from leapfrog.stick.parcel import Manifest, ParcelObject, write_parcel
from support.owed import part10_bytes


def parcel_object(dataset: Dataset, content: bytes, **other: Any) -> ParcelObject:
    """What a manifest says of one object; `other` is said in the place of the truth."""
    values: dict[str, Any] = {
        "delivery_id": secrets.token_hex(8),
        "kind": "original",
        "sop_class_uid": str(dataset.SOPClassUID),
        "sop_instance_uid": str(dataset.SOPInstanceUID),
        "byte_count": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "urgent": False,
    }
    return ParcelObject(**(values | other))


@dataclass
class WritingBox:
    """A box with a key, which writes parts on sticks for one district."""

    key: StationKey
    recipient: str
    written: dict[str, bytes] = field(default_factory=dict)  # by SOP Instance UID, whatever it ever wrote

    def write(
        self,
        stick: Stick,
        datasets: Sequence[Dataset],
        *,
        sign: Callable[[bytes], bytes] | None = None,
        entries: dict[str, Any] | None = None,
        contents: Sequence[bytes] | None = None,
        **said: Any,
    ) -> Manifest:
        """One part, with the files `contents` if they are given. `said` stands in its manifest in the place of the
        truth, `entries` in each of its entries.
        """
        contents = contents or [part10_bytes(dataset) for dataset in datasets]
        objects = [
            parcel_object(one, content, **(entries or {})) for one, content in zip(datasets, contents, strict=True)
        ]
        values: dict[str, Any] = {
            "export_id": secrets.token_hex(16),
            "part": 1,
            "station_key": self.key.public_key.hex(),
            "district": self.recipient,
            "made_at": "2026-11-29T10:00:00+03:00",
            "objects": objects,
        }
        manifest = Manifest(**(values | said))
        with stick.writing(PartName(manifest.export_id, manifest.part)) as file:
            write_parcel(file, manifest, sign or self.key.sign, [[content] for content in contents])
            file.settle()
            file.finish()
        self.written |= {str(one.SOPInstanceUID): content for one, content in zip(datasets, contents, strict=True)}
        return manifest

    def state(self, sequence: int) -> dict[str, Any]:
        """What it says of itself, signed."""
        now = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
        state = BoxState(
            box="kitui",
            made_at=now,
            sequence=sequence,
            version="0.1.0",
            uptime_seconds=60,
            device=Device(what="cpu"),
            clock=Clock(synchronised=True, now=now),
        )
        return parsed(sign_state(state, self.key.public_key, self.key.sign))


class DistrictFolders:
    """What `leapfrog receive` finds at a district: its key, the boxes that it knows, and where it keeps things."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.key_file = directory / "district.key"
        self.stations = directory / "stations"
        self.receipts = directory / "receipts"
        self.boxes = directory / "boxes"
        self.key: DistrictKey = district_key(self.key_file)
        self.stations.mkdir()

    def box(self, name: str, *, known: bool = True) -> WritingBox:
        """A box of this district, or one that calls itself so."""
        key = station_key(self.directory / "boxes-own" / name)
        if known:
            (self.stations / f"{name}.pem").write_text(key.public_pem)
        return WritingBox(key, self.key.public.recipient)
