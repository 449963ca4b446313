"""The receipts that this district gave, each in a file of its own, from which it can be given again.

    receipts/kitui/<export id>-<n>.json     for part n of what the box kitui exported

A receipt is kept here first, and then put on the stick. When the stick can't be written, or is lost on its way back,
the file that is kept here may go to the box by any means: it is no secret.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from leapfrog.district_key import DistrictKey
from leapfrog.durable import fsync_directory, write_durably
from leapfrog.errors import NotAReceipt, StorageError
from leapfrog.plain_file import NotPlain, content_of
from leapfrog.stick.layout import PartName
from leapfrog.stick.parcel import Manifest
from leapfrog.stick.receipt import LARGEST_RECEIPT_BYTES, Confirmed, Receipt, Refused, read_receipt, signed_receipt

RECEIPTS_MODE = 0o644  # they say nothing of anybody


@dataclass(frozen=True)
class Decisions:
    """What became of the objects of a part, by the ids of their deliveries: the hashes of those that the server holds,
    and why others are refused. What is in neither is undecided.
    """

    confirmed: dict[str, str]
    refused: dict[str, str]

    def __bool__(self) -> bool:
        return bool(self.confirmed or self.refused)


class KeptReceipts:
    """The folder in which they are kept."""

    def __init__(self, folder: Path, key: DistrictKey) -> None:
        """The folder is made when it is not there. Raises StorageError."""
        self.folder = folder
        self._key = key
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise _not_kept(folder, problem) from problem

    def give(self, box: str, manifest: Manifest, decisions: Decisions) -> tuple[Receipt, bytes]:
        """The receipt for a part of what `box` exported, and the same as a file, which is durable now. What an earlier
        run confirmed and this one did not come to is in it, too. Raises StorageError.
        """
        path = self.folder / box / PartName(manifest.export_id, manifest.part).receipt
        before = self._before(path, manifest)
        sha256 = {entry.delivery_id: entry.sha256 for entry in manifest.objects}
        confirmed = {
            one.delivery_id: one.sha256
            for one in (before.confirmed if before else ())
            if sha256.get(one.delivery_id) == one.sha256 and one.delivery_id not in decisions.refused
        } | decisions.confirmed
        refused = {one: reason for one, reason in decisions.refused.items() if one not in confirmed}
        receipt = Receipt(
            export_id=manifest.export_id,
            part=manifest.part,
            station_key=manifest.station_key,
            district=self._key.public.verify_key.hex(),
            confirmed=tuple(Confirmed(delivery_id=one, sha256=digest) for one, digest in sorted(confirmed.items())),
            refused=tuple(Refused(delivery_id=one, reason=reason) for one, reason in sorted(refused.items())),
            made_at=datetime.now().astimezone().isoformat(timespec="seconds"),
        )
        content = signed_receipt(receipt, self._key.sign)
        try:
            path.parent.mkdir(exist_ok=True)
            write_durably(path, content, RECEIPTS_MODE)
            fsync_directory(self.folder)
        except OSError as problem:
            raise _not_kept(self.folder, problem) from problem
        return receipt, content

    def _before(self, path: Path, manifest: Manifest) -> Receipt | None:
        """The receipt that was given for this part, if it was this district's to this box."""
        try:
            receipt = read_receipt(content_of(path, LARGEST_RECEIPT_BYTES), self._key.public)
        except (NotAReceipt, NotPlain, OSError):
            return None
        same = (receipt.export_id, receipt.part, receipt.station_key)
        return receipt if same == (manifest.export_id, manifest.part, manifest.station_key) else None


def _not_kept(folder: Path, problem: OSError) -> StorageError:
    return StorageError(
        f"Receipts cannot be kept in {folder}: {problem.strerror}. Run this as root, or name another folder with"
        " --receipts."
    )
