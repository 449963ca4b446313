"""A whole site: a real box with its folders, modalities that send to it, and a real district server behind it.

The box is a black box: its settings file, its port and folders, what `leapfrog status` says, and at the end what is at
the district. Its journal is looked into only to say what became of a film that is not where it should be.
"""

import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from faults.films import Films
from faults.senders import Senders
from leapfrog.errors import LeapfrogError
from support.kiosk import Kiosk
from support.orthanc import Orthanc
from support.recording_proxy import RecordingProxy

RESTART_SECONDS = 2.0  # as in systemd/leapfrog.service
NEVER_SECONDS = 45.0  # after which receiving counts as never normal again
STILL_SECONDS = 75.0  # a box in which nothing moves for so long is stuck
SYNC_SECONDS = 3.0
STOP_SECONDS = 60.0
LOOK_SECONDS = 0.1


# A study whose report is not the last, or whose last report does not lie where staff look for it.
UNDONE = "SELECT count(*) FROM studies WHERE state = 'open' OR published_version < version"
# Set aside because its reading was cut short ten times, or because the daemon ended twice while it had it in hand.
INTERRUPTED = (
    "SELECT id FROM instances WHERE state = 'set_aside' AND (reason LIKE 'Reading this image was interrupted%'"
    " OR reason LIKE 'Leapfrog itself failed%')"
)
ACCURATE = partial(RecordingProxy, keep_bodies=False)  # hides nothing, changes nothing


@dataclass(frozen=True)
class Outage:
    """A daemon that ended by itself, with which status, and when a film was taken after that; time.monotonic()."""

    status: int
    ended: float
    normal: float


@dataclass(frozen=True)
class Folders:
    """Where the box keeps what; each may be a file system of its own."""

    state: Path
    reports: Path
    inbox: Path

    @classmethod
    def below(cls, directory: Path) -> Self:
        """Side by side in `directory`."""
        return cls(directory / "state", directory / "reports", directory / "inbox")

    @property
    def all(self) -> tuple[Path, Path, Path]:
        """State, reports, watched folder."""
        return self.state, self.reports, self.inbox


class Site:
    """One box at work. As systemd would, the site starts the daemon again whenever that ends."""

    def __init__(
        self,
        directory: Path,
        folders: Folders | None = None,
        *,
        restart_seconds: float = RESTART_SECONDS,
        environment: Callable[[], Mapping[str, str]] = dict,
        proxy: Callable[[str], RecordingProxy] = ACCURATE,
        settings: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        """Start the district, not yet the box. `environment` is asked at each start of the daemon; `settings` are
        tables of its settings file.
        """
        self.folders = folders or Folders.below(directory)
        for folder in self.folders.all:
            folder.mkdir(parents=True, exist_ok=True)
        self.films = Films(directory / "films")
        self.orthanc = Orthanc(directory / "district").start()
        self.proxy = proxy(self.orthanc.dicomweb_url).up()
        sections = self._sections(settings or {})
        self.kiosk = Kiosk(directory, destination=(), **sections)
        self.senders = Senders(self.kiosk.port, self.folders.inbox, emptied=sections["folder"]["after"] == "delete")
        self.ends: list[int] = []  # the exit statuses of daemons that ended by themselves
        self.outages: list[Outage] = []
        self._measuring: threading.Thread | None = None
        self.read_on_request = 0  # images that a person had to have read again, after too many interruptions
        self.posts_when_confirmed: dict[str, int] = {}  # by UID, when it was first seen confirmed
        self.before_restart: Callable[[], None] = lambda: None
        self._restart_seconds, self.environment = restart_seconds, environment
        self._keeper: threading.Thread | None = None
        self._down = threading.Event()  # it is to stay down

    def _sections(self, sections: Mapping[str, Mapping[str, object]]) -> dict[str, Mapping[str, object]]:
        ours: dict[str, Mapping[str, object]] = {
            "station": {"state_dir": str(self.folders.state), "reports_dir": str(self.folders.reports)},
            "district": {"url": self.proxy.url, "send": ["original", "report_pdf"]},
            "folder": {"paths": [str(self.folders.inbox)], "after": "delete"},
        }
        return {name: {**ours.get(name, {}), **sections.get(name, {})} for name in (*ours, *sections)}

    # ------------------------------------------------------------ life and death

    def start(self) -> Self:
        """Start the box and keep it started; return once it takes films."""
        self.launch()
        self.seconds_until_normal()
        return self

    def launch(self) -> None:
        """Start the box and keep it started."""
        self._down.clear()
        self.kiosk.launch(environment=self.environment())
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _keep(self) -> None:
        while not self._down.is_set():
            process = self.kiosk.process
            if process.poll() is None:
                self._down.wait(LOOK_SECONDS / 5)
                continue
            if process.returncode >= 0:  # no signal of ours
                self.ends.append(process.returncode)
                self._measure(process.returncode)
            self.note_confirmed()
            self.before_restart()
            if not self._down.wait(self._restart_seconds):
                self.kiosk.launch(environment=self.environment())

    def _measure(self, status: int) -> None:
        """How long nothing is received from now on; a daemon that ends again meanwhile only makes it longer."""
        if self._measuring is None or not self._measuring.is_alive():
            self._measuring = threading.Thread(target=self._outage, args=(status, time.monotonic()), daemon=True)
            self._measuring.start()

    def _outage(self, status: int, ended: float) -> None:
        self.seconds_until_normal(ended)
        self.outages.append(Outage(status, ended, time.monotonic()))

    def worst_outage(self, first: int, mended: float) -> float:
        """The longest of the outages from the `first` on, counted from when the fault was `mended`."""
        return max((each.normal - max(each.ended, mended) for each in self.outages[first:]), default=0.0)

    def halt(self, *, kill: bool = False) -> float:
        """End the daemon, and leave it down until `start`. Returns the seconds that it took to end."""
        began = time.monotonic()
        self._down.set()
        if self._keeper is not None:
            self._keeper.join()
            self._keeper = None
        process = self.kiosk.process
        if process.poll() is None:
            process.kill() if kill else process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kiosk.kill()
        taken = time.monotonic() - began
        self.kiosk.wait_for_no_orphans()
        self.note_confirmed()
        return taken

    def close(self) -> None:
        """End everything."""
        self.halt(kill=True)
        self.senders.stop()
        self.proxy.down()
        self.orthanc.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------ what it does

    def status(self) -> dict[str, Any]:
        """What the box says of itself; nothing while it does not answer."""
        try:
            return self.kiosk.status()
        except (LeapfrogError, OSError):
            return {}

    def seconds_until_normal(self, since: float | None = None) -> float:
        """Store one film: how long after `since` (time.monotonic(), by default now) it was acknowledged."""
        (film,) = self.films.new()
        return self.senders.seconds_until_stored(film, since or time.monotonic(), NEVER_SECONDS)

    def work(self, stored: int = 1, dropped: int = 1) -> None:
        """Give it some films."""
        self.senders.store(self.films.new(stored))
        self.senders.drop(self.films.new(dropped))

    def note_confirmed(self) -> None:
        """Note how often everything that is confirmed now was posted. What is posted again after that is doubled."""
        try:
            confirmed = self.kiosk.rows("SELECT sop_instance_uid FROM deliveries WHERE state = 'confirmed'")
        except sqlite3.Error:  # it may be missing or damaged: that may be the very fault
            return
        posts = self.proxy.posts
        for (uid,) in confirmed:
            self.posts_when_confirmed.setdefault(uid, posts[uid])

    def settle(self, still_seconds: float = STILL_SECONDS) -> bool:
        """Wait until the box has nothing left to do; False when nothing moved for so long and something is left."""
        before, since, synced = "", time.monotonic(), 0.0
        while time.monotonic() - since < still_seconds:
            state = self.left_to_do()
            if not state and not self._read_interrupted_again():
                return True
            if state != before:
                before, since = state, time.monotonic()
            if time.monotonic() - synced > SYNC_SECONDS:
                self.sync()
                synced = time.monotonic()
            time.sleep(LOOK_SECONDS)
        return False

    def _read_interrupted_again(self) -> int:
        """Do what the box asks of a person where its end cut the reading of an image short too often. Returns how many
        images that were.
        """
        try:
            ids = [one for (one,) in self.kiosk.rows(INTERRUPTED)]
            if ids:
                self.kiosk.ask("retry", ids=ids)
        except (sqlite3.Error, LeapfrogError, OSError):
            return 0
        self.read_on_request += len(ids)
        return len(ids)

    def left_to_do(self) -> str:
        """What it still has to do, in numbers; '' when that is nothing."""
        status = self.status()
        if not status:
            return "does not answer"
        stored = self.senders.wait(0.01)
        left = self.senders.left_in_folder()
        waiting, received = status["deliveries"]["waiting"], status["instances"]["received"]
        try:
            undone = self.kiosk.rows(UNDONE)[0][0]
        except sqlite3.Error:
            undone = "?"
        if self._measuring is not None and self._measuring.is_alive():
            return "taking films again"
        if stored and not (left or waiting or received or undone):
            return ""
        return f"{stored} {left} {waiting} {received} {undone} {len(self.senders.acknowledged)}"

    def sync(self) -> None:
        """What a person does who does not want to wait for the next try."""
        try:
            self.kiosk.ask("sync")
        except (LeapfrogError, OSError):
            return
