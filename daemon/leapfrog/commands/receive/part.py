"""One part of a stick, as it is read: whose it is, and what becomes of its objects."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from leapfrog.commands.receive.receipts import Decisions
from leapfrog.commands.receive.server import Outcome
from leapfrog.commands.stations import KnownStations
from leapfrog.dicom.part10 import Part10Source, find_dataset, part10_source
from leapfrog.dicom.uids import is_forwardable_uid
from leapfrog.errors import ParcelRefused, StorageError
from leapfrog.intake.instance_header import read_header
from leapfrog.signed_summary.signing import key_id
from leapfrog.stick.layout import PartName
from leapfrog.stick.parcel import Manifest, ParcelObject

OBJECT_NAME = "object.dcm"  # in the work folder, one at a time
CHUNK_BYTES = 1 << 20
COPIES = 3  # of the largest object: as it is read, as it is sent, and what the server holds, to compare
# As the district's certificates have it, so that what comes by stick is filed under the name that it has by link.
BOX_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")

NOT_AS_NAMED = "What came is no DICOM file with the identifier (SOP Instance UID) under which the box announced it."
NOT_ASKED = "The server was not asked about it yet."

HandOver = Callable[[str, Part10Source, str], Outcome]
AfterOne = Callable[[str, ParcelObject, Outcome], None]


@dataclass
class Part:
    """A part that is being read. `hand_over` brings an object of a box to the server; `after_one` is called with what
    became of it.
    """

    name: PartName
    district: str  # the recipient, to which it must be encrypted
    stations: KnownStations
    work_folder: Path
    hand_over: HandOver
    after_one: AfterOne
    box: str = ""  # whose it is, once that is known
    manifest: Manifest | None = None
    confirmed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)
    unclear: dict[str, str] = field(default_factory=dict)

    def accept(self, manifest: Manifest) -> frozenset[str]:
        """All objects of a part that is for this district and of a known box. Raises ParcelRefused for any other,
        StorageError where there is no room for its largest.
        """
        if manifest.district != self.district:
            raise ParcelRefused("It is for another district than this one.")
        box = self._known_box(bytes.fromhex(manifest.station_key))
        if (manifest.export_id, manifest.part) != (self.name.export_id, self.name.part):
            named = PartName(manifest.export_id, manifest.part).volume(1)
            raise ParcelRefused(f"It has the name of another part. If it is all there, rename it to {named}.")
        self._require_room(max((entry.byte_count for entry in manifest.objects), default=0))
        self.box, self.manifest = box, manifest
        return frozenset(entry.delivery_id for entry in manifest.objects)

    def _known_box(self, key: bytes) -> str:
        known = key_id(key)
        name = self.stations.name(known)
        if not name or self.stations.keys[known] != key:
            raise ParcelRefused(
                f"It is signed by a box whose key ({known}) is not known here. If it is one of this district's, have"
                " its `leapfrog station key` brought here, and register it: district-authority station BOX."
            )
        if not BOX_NAME.fullmatch(name):
            raise ParcelRefused(
                f"The box that signed it is called {name} here, which is no name of a certificate. Give the file with"
                " its public key the name that its certificate has."
            )
        return name

    def _require_room(self, largest_bytes: int) -> None:
        free_bytes = shutil.disk_usage(self.work_folder).free
        if free_bytes < COPIES * largest_bytes:
            raise StorageError(
                f"There is no room in {self.work_folder} for an object of {largest_bytes / 1e9:.1f} GB. Make room, or"
                " name a folder on another disk with --receipts."
            )

    def take(self, entry: ParcelObject, file: BinaryIO) -> None:
        """Bring one object to the server. Raises DistrictUnreachable, DistrictLocked or StorageError when no object can
        be brought there now.
        """
        path = self.work_folder / OBJECT_NAME
        try:
            with path.open("wb") as copy:
                shutil.copyfileobj(file, copy, CHUNK_BYTES)
            source = source_of(path, entry)
        except OSError as problem:
            raise StorageError(f"{path} cannot be written: {problem.strerror}.") from problem
        outcome = Outcome("refused", NOT_AS_NAMED)
        if source is not None:
            outcome = self.hand_over(self.box, source, entry.sop_instance_uid)
        if outcome.kind == "confirmed":
            self.confirmed[entry.delivery_id] = entry.sha256
        elif outcome.kind == "refused":
            self.refused[entry.delivery_id] = outcome.reason
        elif outcome.kind == "doubtful":
            self.doubtful[entry.delivery_id] = outcome.reason
        else:
            self.unclear[entry.delivery_id] = outcome.reason
        self.after_one(self.box, entry, outcome)

    def decisions(self, *, server_takes: bool) -> Decisions:
        """What is decided of it. A refusal without a reason counts once the server took other things: else it may
        refuse whatever comes.
        """
        return Decisions(self.confirmed, self.refused | (self.doubtful if server_takes else {}))

    def undecided_because(self, delivery_id: str) -> str:
        """Why nothing is decided of an object."""
        return self.unclear.get(delivery_id) or self.doubtful.get(delivery_id) or NOT_ASKED


def source_of(path: Path, entry: ParcelObject) -> Part10Source | None:
    """How to send what came; None when it is not the DICOM file that was announced. Raises OSError, StorageError."""
    with path.open("rb") as stream:
        is_dicom = find_dataset(stream).has_preamble
    if not is_dicom or not is_forwardable_uid(entry.sop_instance_uid):
        return None
    if read_header(path).sop_instance_uid != entry.sop_instance_uid:
        return None
    return part10_source(path, entry.sop_class_uid, entry.sop_instance_uid)
