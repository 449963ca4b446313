"""Sticks with file systems of their own: FAT (through FUSE, where the kernel has none), exFAT and ext4, which fill up,
are read-only, lose bytes, or are damaged; and one that is put into another box in between.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from leapfrog.stick.layout import Stick
from stick.box_side import BoxSide, without_traceback
from support.stick_disks import MAKERS, mounted, mounted_again, why_not

FLIPS = 12  # times that a byte is changed


@dataclass(frozen=True)
class Case:
    """What happens on a stick of that kind."""

    kind: str
    what: str
    do: Callable[["Scene", str], Iterator[str]]

    @property
    def label(self) -> str:
        """Such as "FAT: out and back"."""
        return f"{self.kind}: {self.what}"


class Scene:
    """A box, and sticks."""

    def __init__(self, directory: Path) -> None:
        """Within `directory`."""
        self.directory = directory
        self.folder = directory / "mounted"
        self.folder.mkdir()
        self.image = directory / "stick.img"
        self.side = BoxSide(directory, self.folder)
        self.chance = random.Random(7)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.image.unlink(missing_ok=True)

    def cases(self) -> list[Case]:
        """All, on the kinds that can be made here."""
        here = [kind for kind in MAKERS if not why_not(kind)]
        assert here, why_not("FAT")
        return [
            Case(kind, what, do)
            for kind in here
            for what, do in WHAT.items()
            for _ in range(FLIPS if what == "a byte changes" else 1)
        ]

    def meets(self, case: Case) -> list[str]:
        """What is wrong."""
        self.side.anew()
        return list(case.do(self, case.kind))


def _out_and_back(scene: Scene, kind: str) -> Iterator[str]:
    side = scene.side
    with mounted(scene.image, scene.folder, kind):
        done = side.run("export")
        yield from without_traceback(done)
    with mounted_again(scene.image, scene.folder, kind):
        yield from side.wrong_on_stick()
        yield from side.not_all_on_stick()
        side.district()
    with mounted_again(scene.image, scene.folder, kind):
        side.run("import")
        yield from side.not_all_confirmed()


def _fills_up(scene: Scene, kind: str) -> Iterator[str]:
    side = scene.side
    with mounted(scene.image, scene.folder, kind, 40 if kind == "FAT" else 8):
        free, _ = Stick(scene.folder).room()
        filler = scene.folder / "holiday.mov"
        filler.write_bytes(bytes(free - 900_000))
        done = side.run("export", part_bytes=120_000)
        yield from without_traceback(done)
        yield from side.wrong_on_stick()
        written = len(side.box.arrived(scene.folder).contents)
        if not 0 < written < len(side.owed) or "The stick is full. " not in done.stdout:
            yield f"{written} of {len(side.owed)} objects fit, and it says: {done.stdout}{done.stderr}"
        filler.unlink()
        again = side.run("export")
        if again.returncode != 0:
            yield f"repeated: exit status {again.returncode}: {again.stderr}"
        yield from side.not_all_on_stick()


def _full_from_the_start(scene: Scene, kind: str) -> Iterator[str]:
    with mounted(scene.image, scene.folder, kind, 40 if kind == "FAT" else 8):
        free, _ = Stick(scene.folder).room()
        (scene.folder / "holiday.mov").write_bytes(bytes(free - 8192))
        yield from _fails_with(scene, "is full")


def _read_only(scene: Scene, kind: str) -> Iterator[str]:
    with mounted(scene.image, scene.folder, kind):
        pass
    with mounted_again(scene.image, scene.folder, kind, read_only=True):
        yield from _fails_with(scene, "read-only")


def _receipts_on_a_read_only_one(scene: Scene, kind: str) -> Iterator[str]:
    side = scene.side
    with mounted(scene.image, scene.folder, kind):
        side.run("export")
        side.district()
    with mounted_again(scene.image, scene.folder, kind, read_only=True):
        done = side.run("import")
        if done.returncode != 0:
            yield f"exit status {done.returncode}: {done.stdout}{done.stderr}"
        yield from side.not_all_confirmed()


def _a_byte_changes(scene: Scene, kind: str) -> Iterator[str]:
    side = scene.side
    with mounted(scene.image, scene.folder, kind):
        side.run("export")
        part = scene.chance.choice(sorted(scene.folder.rglob("*.age")))
        with part.open("r+b") as file:
            place = scene.chance.randrange(part.stat().st_size)
            file.seek(place)
            (before,) = file.read(1)
            file.seek(place)
            file.write(bytes([before ^ 1 << scene.chance.randrange(8)]))
    with mounted_again(scene.image, scene.folder, kind):
        if not any("not whole" in one for one in side.wrong_on_stick()):
            yield "the district did not notice"
        done = side.run("export")
        if "Damaged on it" not in done.stdout:
            yield f"the box did not notice: {done.stdout}{done.stderr}"
        yield from side.not_all_on_stick()


def _fails_with(scene: Scene, words: str) -> Iterator[str]:
    done = scene.side.run("export")
    yield from without_traceback(done)
    if done.returncode != 1 or words not in done.stderr:
        yield f"exit status {done.returncode}: {done.stdout}{done.stderr}"
    yield from scene.side.wrong_states()


WHAT: dict[str, Callable[[Scene, str], Iterator[str]]] = {
    "out and back": _out_and_back,
    "it fills up": _fills_up,
    "it is full from the start": _full_from_the_start,
    "it is read-only": _read_only,
    "it comes back read-only": _receipts_on_a_read_only_one,
    "a byte changes": _a_byte_changes,
}
