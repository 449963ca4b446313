"""`leapfrog receive DIR`: takes what boxes wrote on a stick to the district's server, and gives receipts.

The order in which things become durable makes it safe to be killed, or to lose the stick, at any moment: the server
holds an object; the receipt is kept here; the receipt is on the stick; the part is gone from the stick. Whoever repeats
the command finds what is held already, and goes on.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID

from leapfrog.commands.district_places import BOXES, KEY_FILE, RECEIPTS, STATIONS
from leapfrog.commands.receive.box_states import keep_state
from leapfrog.commands.receive.part import Part
from leapfrog.commands.receive.receipts import KeptReceipts
from leapfrog.commands.receive.received import FromBox, Received
from leapfrog.commands.receive.server import DistrictServer, Outcome
from leapfrog.commands.receive.work_folder import require_usable, work_folder
from leapfrog.commands.stations import KnownStations, known_stations
from leapfrog.dicom.part10 import Part10Source
from leapfrog.district_key import DistrictKey, district_key
from leapfrog.errors import (
    DistrictLocked,
    DistrictUnreachable,
    NotABoxState,
    StickError,
    StorageError,
    UsageError,
)
from leapfrog.lanes.recoding.comparison import Comparisons
from leapfrog.plain_file import NotPlain, content_of
from leapfrog.stick.layout import PARCEL_NAME, UNFINISHED, PartName, Stick
from leapfrog.stick.parcel import Manifest, ParcelObject, read_parcel
from leapfrog.stick.receipt import LARGEST_RECEIPT_BYTES
from leapfrog.wording.text import clean

# When the server failed over so many objects one after the other, without a word about them, then it is the server.
UNCLEAR_IN_A_ROW = 3

NOT_KEPT = "The stick does not keep what is written on it: use another."


@dataclass(frozen=True)
class Places:
    """Where things are at the district."""

    key_file: Path = KEY_FILE
    stations: Path = STATIONS
    receipts: Path = RECEIPTS
    boxes: Path = BOXES


def existing_key(path: Path) -> DistrictKey:
    """The district's key. Raises UsageError when there is none: what is on a stick is for another key than one that is
    made now. StorageError when it cannot be read.
    """
    if not os.path.lexists(path):
        raise UsageError(
            f"There is no key of a district in {path}, so nothing on a stick can be for this one. `leapfrog receive"
            " --public-key` makes it; if there was one, bring it back from the backup, or name its file with --key."
        )
    return district_key(path)


def receive(root: Path, roots: Sequence[str], places: Places, console: Console | None) -> Received:
    """Take what is on the stick at `root` to the server, whose DICOMweb roots are `roots`.

    Raises UsageError when there is no key, no folder of stations, or one that leaves open who signed; StickError when
    the stick cannot be read at all; StorageError when there is no place here for receipts.
    """
    key, stations = existing_key(places.key_file), known_stations(None, places.stations)
    receipts = KeptReceipts(places.receipts, key)
    with ExitStack() as stack:
        servers = _Servers(roots, stack.enter_context(work_folder(places.receipts)))
        stack.callback(servers.close)
        progress = stack.enter_context(Progress(console=console, disable=console is None))
        run = _Run(Stick(root), key, stations, receipts, places.boxes, servers, progress)
        run.all_parts()
        return run.received


class _Servers:
    """The district's server, as each box has it."""

    def __init__(self, roots: Sequence[str], work: Path) -> None:
        self.work = work
        self._roots = roots
        self._same_image = Comparisons(work, lambda: True).same_image
        self._by_box: dict[str, DistrictServer] = {}
        self._unclear_in_a_row = 0
        self.takes = False  # it confirmed something in this run

    def close(self) -> None:
        for server in self._by_box.values():
            server.close()

    def hand_over(self, box: str, source: Part10Source, sop_instance_uid: str) -> Outcome:
        """As DistrictServer.hand_over."""
        if box not in self._by_box:
            self._by_box[box] = DistrictServer(self._roots, box, self.work, self._same_image)
        outcome = self._by_box[box].hand_over(source, sop_instance_uid)
        self.takes = self.takes or outcome.kind == "confirmed"
        self._unclear_in_a_row = self._unclear_in_a_row + 1 if outcome.kind == "unclear" else 0
        if self._unclear_in_a_row >= UNCLEAR_IN_A_ROW:
            raise DistrictUnreachable(outcome.reason)
        return outcome


class _Run:
    def __init__(
        self,
        stick: Stick,
        key: DistrictKey,
        stations: KnownStations,
        receipts: KeptReceipts,
        boxes: Path,
        servers: _Servers,
        progress: Progress,
    ) -> None:
        self.received = Received(stick.root, receipts.folder)
        self._stick = stick
        self._key = key
        self._stations = stations
        self._receipts = receipts
        self._boxes = boxes
        self._servers = servers
        self._progress = progress
        self._task = TaskID(0)

    def all_parts(self) -> None:
        """Take one part after the other, until the server or this machine's disk takes no more."""
        # A box writes first what is worth most: so what comes first of each export goes before the rest of all.
        parts = sorted(self._stick.parts(), key=lambda name: (name.part, name.export_id))
        self.received.parts = len(parts)
        self.received.strangers = self._strangers()
        sizes = [self._byte_count(part) for part in parts]
        self._task = self._progress.add_task("Stick", total=sum(sizes))
        done_bytes = 0
        for number, name in enumerate(parts):
            self._progress.update(self._task, description=f"Part {number + 1:,} of {len(parts):,}")
            try:
                self._one_part(name)
            except (DistrictUnreachable, DistrictLocked, StorageError) as problem:
                self.received.stopped = str(problem)
                self.received.not_read = len(parts) - number - 1
                return
            done_bytes += sizes[number]
            self._progress.update(self._task, completed=done_bytes)

    def _one_part(self, name: PartName) -> None:
        """Take one part. What is wrong with it is named, and stops nothing else. Raises what concerns all parts."""
        recipient = self._key.public.recipient
        part = Part(name, recipient, self._stations, self._servers.work, self._servers.hand_over, self._after_one)
        try:
            with self._stick.reading(name) as file:
                read_parcel(file, self._key.identity, part.accept, part.take, self._servers.work)
        except StickError as problem:  # also what is refused: a part of it may have been taken before
            require_usable(self._servers.work)  # it, too, is written while a part is read
            self.received.problems.append(f"{name.volume(1)}: {problem}")
            self._settle(part, is_whole=False)
        except (DistrictUnreachable, DistrictLocked, StorageError):
            self._settle(part, is_whole=False)
            raise
        else:
            self._settle(part, is_whole=True)

    def _after_one(self, box: str, entry: ParcelObject, outcome: Outcome) -> None:
        found = self.received.boxes.setdefault(box, FromBox())
        if outcome.kind == "confirmed":
            found.confirmed += 1
            found.were_there += outcome.was_there
            found.byte_count += entry.byte_count
        self._progress.advance(self._task, entry.byte_count)

    def _settle(self, part: Part, *, is_whole: bool) -> None:
        """Count what became of a part's objects, give the receipt, and remove the part once that is on the stick."""
        if part.manifest is None:
            return
        self._keep_state(part.box, part.manifest)
        found = self.received.boxes.setdefault(part.box, FromBox())
        found.parts += 1
        decisions = part.decisions(server_takes=self._servers.takes)
        for reason in decisions.refused.values():
            found.refused[reason] += 1
        for entry in part.manifest.objects:
            if entry.delivery_id not in decisions.confirmed and entry.delivery_id not in decisions.refused:
                found.undecided[part.undecided_because(entry.delivery_id)] += 1
        if not decisions and part.manifest.objects:
            return
        receipt, content = self._receipts.give(part.box, part.manifest, decisions)
        on_stick = self._put_on_stick(part.manifest, content)
        if on_stick and is_whole and len(receipt.confirmed) == len(part.manifest.objects):
            try:
                self._stick.remove(part.name)
                self.received.removed += 1
            except StickError as problem:
                self.received.stick_trouble = str(problem)

    def _keep_state(self, box: str, manifest: Manifest) -> None:
        """What does not concern the images stops none of them."""
        try:
            if keep_state(self._boxes, box, manifest):
                self.received.boxes.setdefault(box, FromBox()).state_taken = True
        except (NotABoxState, StorageError) as problem:
            self.received.problems.append(f"What {box} says of itself was not kept: {problem}")

    def _put_on_stick(self, manifest: Manifest, content: bytes) -> bool:
        try:
            path = self._stick.write("receipts", PartName(manifest.export_id, manifest.part).receipt, content)
            if content_of(path, LARGEST_RECEIPT_BYTES) != content:
                raise StickError(NOT_KEPT)
        except (StickError, NotPlain, OSError) as problem:
            self.received.receipts_missing += 1
            self.received.stick_trouble = str(problem) if isinstance(problem, StickError) else NOT_KEPT
            return False
        self.received.receipts_on_stick += 1
        return True

    def _byte_count(self, part: PartName) -> int:
        """For the progress alone."""
        try:
            return sum(path.lstat().st_size for path in self._stick.volumes(part))
        except (OSError, StickError):  # it is pulled out: whoever reads it says so
            return 0

    def _strangers(self) -> list[str]:
        """Names of files beside the parts that are no parts, and not what was being written when a stick was pulled."""
        try:
            with os.scandir(self._stick.folder("parcels")) as entries:
                names = [entry.name for entry in entries]
        except OSError:
            return []
        return [clean(name) for name in sorted(names) if not PARCEL_NAME.fullmatch(name.removesuffix(UNFINISHED))]
