"""What a fault is, and the scene in which it is brought about."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from faults.films import Film
from faults.site import Site
from support.disk_image import DiskImage
from support.failing_calls import FailingCalls
from support.process_clock import ProcessClock
from support.waiting import wait_until

Sections = Mapping[str, Mapping[str, object]]
QUEUE_SECONDS = 60.0


@dataclass
class Scene:
    """A site, and what a fault may need. Its district is out of reach until `district_back`."""

    site: Site
    directory: Path
    disks: dict[str, DiskImage]  # those folders that are file systems of their own
    calls: FailingCalls | None = None
    clock: ProcessClock | None = None
    broken: list[str] = field(default_factory=list)  # promises that were not kept, besides those that every row has
    remarks: list[str] = field(default_factory=list)
    at_the_end: list[Callable[[], None]] = field(default_factory=list)  # when the box is no longer needed
    gone: set[str] = field(default_factory=set)  # films that the box no longer has, though nothing allowed that
    _district_up: bool = True

    def district_away(self) -> None:
        """Nothing can be sent."""
        if self._district_up:
            self.site.proxy.down()
            self._district_up = False

    def district_back(self) -> None:
        """The district can be reached, and is tried at once."""
        if not self._district_up:
            self.site.proxy.up()
            self._district_up = True

    def film(self) -> Film:
        """A new film."""
        return self.site.films.new()[0]

    def spool_file(self, film: Film) -> Path:
        """Where the box keeps a film."""
        rows = self.site.kiosk.rows(
            f"SELECT spool_name FROM instances WHERE sop_instance_uid = '{film.sop_instance_uid}'"
        )
        return self.site.kiosk.spool_dir / str(rows[0][0])

    def stored(self, count: int = 1) -> list[Film]:
        """So many new films that the box has acknowledged."""
        films = self.site.films.new(count)
        self.site.senders.store(films)
        wait_until(
            lambda: {film.sop_instance_uid for film in films} <= self.site.senders.acknowledged,
            "the films are acknowledged",
            deadline_seconds=QUEUE_SECONDS,
        )
        return films

    def expect(self, holds: bool, promise: str) -> None:
        """Note that a promise was not kept."""
        if not holds:
            self.broken.append(promise)

    def journal_files(self) -> list[Path]:
        """The journal and what SQLite keeps beside it, as far as they exist."""
        return sorted(self.site.folders.state.glob("journal.sqlite*"))


Bringing = Callable[[Scene], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """One fault: within the context that `bring` gives, it is there.

    `receives`: films are taken while it lasts. `may_end`: it may end the daemon. `disks`: folders that must be file
    systems of their own. `settings` go into the settings file. `seconds`: how long it lasts.
    """

    name: str
    bring: Bringing
    receives: bool = True
    may_end: bool = False
    seconds: float = 4.0
    disks: tuple[str, ...] = ()
    settings: Sections = field(default_factory=dict)
    calls: bool = False  # the daemon's calls may be made to fail
    clock: bool = False  # the daemon's clock may be set
    inbox_apart: bool = False  # the watched folder has a parent of its own
    wrapper: tuple[str, ...] = ()  # a command line that starts the daemon
    drops: bool = True  # films are put into the watched folder while it lasts


def copy_all(files: list[Path], folder: Path) -> None:
    """Copy `files` into a new folder."""
    folder.mkdir()
    for file in files:
        shutil.copy2(file, folder / file.name)
