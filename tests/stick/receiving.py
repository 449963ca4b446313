"""The district's side: `leapfrog receive` is killed before and after every call that changes something on the stick or
at the district, and at everything that it sends to the server; and it meets a full stick, a full disk, and one that is
pulled out, at each of these calls. After each, what is said to be confirmed is at the server, nothing is gone from the
stick that is not confirmed on it, and the same command once more makes all right.
"""

import errno
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from leapfrog.stick.layout import PartName, Stick
from leapfrog.stick.parcel import Manifest
from leapfrog.stick.receipt import Receipt, read_receipt
from support.failing_calls import KILL_AFTER, KILL_BEFORE, NETWORK, Call, FailingCalls, name_of
from support.orthanc import Orthanc
from support.owed import secondary_capture
from support.sticks import DistrictFolders

RECEIPTS, STICK = 0, 1  # folders, as the calls are counted in them
FOLDERS = {RECEIPTS: "receipts", STICK: "stick", NETWORK: "to the server"}
PULLED_OUT = errno.EIO  # whatever is asked of it from then on
SECONDS = 120.0


@dataclass(frozen=True)
class Case:
    """The `number`th call of a kind in a folder is killed at, or fails; so do all later ones there, if `for_good`."""

    call: Call
    folder: int
    number: int
    fault: int
    for_good: bool = False

    @property
    def label(self) -> str:
        """Such as "rename on the stick, killed before"."""
        said = "pulled out" if self.for_good else name_of(self.fault)
        return f"{self.call.label}, {FOLDERS[self.folder]}: {said}"


class Scene:
    """An Orthanc, and two boxes whose stick it gets, anew for each case."""

    def __init__(self, directory: Path) -> None:
        """The Orthanc runs within the context."""
        self._directory = directory
        self._orthanc = Orthanc(directory / "orthanc")
        self._district = DistrictFolders(directory)
        self._boxes = [self._district.box("kitui"), self._district.box("mwingi")]
        self._root = directory / "stick"
        self._calls = FailingCalls(directory, [self._district.receipts, self._root])

    def __enter__(self) -> Self:
        self._orthanc.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.close()
        self._orthanc.kill()

    def cases(self) -> list[Case]:
        """Every case, by the calls of a run that nothing befalls."""
        self._fill()
        before = Counter(dict(self._calls.counts()))
        self._run(preloaded=True)
        counts = Counter(dict(self._calls.counts())) - before
        return list(_cases(counts))

    def meets(self, case: Case) -> list[str]:
        """What is wrong after a run with that fault, and another one without. Nothing should be."""
        manifests = self._fill()
        self._calls.arm(case.call, case.folder, case.number, case.fault, case.fault if case.for_good else 0)
        said = self._run(preloaded=True)
        fired = self._calls.fired
        self._calls.disarm()
        # How many pieces a body is sent in is not always the same.
        wrong = [] if fired or case.folder == NETWORK else ["the fault was not met"]
        # Python itself says so when a temporary file cannot be removed from a disk that is gone.
        shown = said.stderr if "Exception ignored in" not in said.stderr else ""
        wrong += [f"a traceback was shown: {shown[-2000:]}"] if "Traceback" in shown else []
        wrong += [f"after the fault: {one}" for one in self._wrong(manifests)]
        again = self._run(preloaded=False)
        if again.returncode != 0:
            wrong.append(f"repeated: exit status {again.returncode}: {again.stdout}{again.stderr}")
        wrong += [f"repeated: {one}" for one in self._wrong(manifests)]
        return wrong + [f"repeated: {one}" for one in self._missing(manifests)]

    def _fill(self) -> list[Manifest]:
        """A new stick: two parts of one box, of which the server has one object already, and one of another box."""
        shutil.rmtree(self._root, ignore_errors=True)
        shutil.rmtree(self._district.receipts, ignore_errors=True)
        self._root.mkdir()
        stick = Stick(self._root)
        kitui, mwingi = self._boxes
        images = [secondary_capture(size) for size in (300_000, 1000, 1000, 1000)]
        first = kitui.write(stick, images[:2])
        manifests = [
            first,
            kitui.write(stick, images[2:3], export_id=first.export_id, part=2),
            mwingi.write(stick, images[3:]),
        ]
        self._orthanc.add(kitui.written[str(images[1].SOPInstanceUID)])
        return manifests

    def _run(self, *, preloaded: bool) -> subprocess.CompletedProcess[str]:
        places = {
            "--to": self._orthanc.dicomweb_url,
            "--key": self._district.key_file,
            "--stations": self._district.stations,
            "--receipts": self._district.receipts,
            "--boxes": self._district.boxes,
        }
        options = [str(word) for pair in places.items() for word in pair]
        command = [sys.executable, "-m", "leapfrog", "receive", str(self._root), "--json", *options]
        environment = {"PYTHONPATH": ":".join(sys.path), **(self._calls.environment if preloaded else {})}
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment)

    # ------------------------------------------------------------ what must hold

    def _wrong(self, manifests: Sequence[Manifest]) -> Iterator[str]:
        held = self._orthanc.held()
        stick = Stick(self._root)
        on_stick = {
            (receipt.export_id, receipt.part): receipt
            for path in stick.receipts()
            if (receipt := self._receipt(path.read_bytes()))
        }
        kept = [self._receipt(path.read_bytes()) for path in self._district.receipts.glob("*/*.json")]
        uids = {one.delivery_id: one.sop_instance_uid for manifest in manifests for one in manifest.objects}
        for receipt in (*on_stick.values(), *kept):
            for one in receipt.confirmed:
                if held[uids[one.delivery_id]] != 1:
                    yield f"what is confirmed is there {held[uids[one.delivery_id]]} times"
        for manifest in manifests:
            name = PartName(manifest.export_id, manifest.part)
            confirmed = on_stick.get((manifest.export_id, manifest.part))
            if name not in stick.parts() and (confirmed is None or len(confirmed.confirmed) < len(manifest.objects)):
                yield "a part is gone from the stick, and its receipt is not on it"
            if any(held[one.sop_instance_uid] > 1 for one in manifest.objects):
                yield "something is there twice"

    def _missing(self, manifests: Sequence[Manifest]) -> Iterator[str]:
        stick = Stick(self._root)
        confirmed = {one.delivery_id for path in stick.receipts() for one in self._receipt(path.read_bytes()).confirmed}
        if confirmed != {one.delivery_id for manifest in manifests for one in manifest.objects}:
            yield "not everything is confirmed"
        if stick.parts():
            yield "a part that is confirmed is still on the stick"
        left = [path.name for path in self._district.receipts.rglob("*") if path.suffix != ".json" and path.is_file()]
        left += [path.name for path in stick.folder("receipts").iterdir() if path.suffix != ".json"]
        if left:
            yield f"left behind: {left}"

    def _receipt(self, content: bytes) -> Receipt:
        return read_receipt(content, self._district.key.public)


def _cases(counts: Counter[tuple[Call, int]]) -> Iterator[Case]:
    for (call, folder), times in sorted(counts.items()):
        if call is Call.LOOK:
            if folder == STICK:
                yield from (Case(call, folder, number, PULLED_OUT, for_good=True) for number in range(1, times + 1, 5))
            continue
        for number in range(1, times + 1):
            yield Case(call, folder, number, KILL_BEFORE)
            yield Case(call, folder, number, KILL_AFTER)
            if folder != NETWORK:
                yield Case(call, folder, number, errno.ENOSPC)
                yield Case(call, folder, number, PULLED_OUT, for_good=True)
