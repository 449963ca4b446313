"""Change notifications from the operating system about a watched folder: hints to look sooner, and what was closed."""

import threading
import warnings
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

MAXIMUM_PATHS = 1000  # with more, a whole scan is quicker
MAXIMUM_HEARD = 100_000  # files; with more, all is forgotten, which only makes some files wait longer
EVENTS = [DirCreatedEvent, DirMovedEvent, FileClosedEvent, FileCreatedEvent, FileModifiedEvent, FileMovedEvent]


class Heard(Enum):
    """What was last heard of a file that is being written."""

    WRITING = "written to, and not closed since"
    CLOSED = "closed, and not written to since"


class FolderHints:
    """Collects paths to look at. Nothing is lost without them: inotify loses events, and sees nothing on network
    mounts.
    """

    def __init__(self, root: Path, on_hint: Callable[[], None]) -> None:
        """`on_hint` is called, from another thread, when there is something to look at."""
        self._root = root
        self._on_hint = on_hint
        self._observer = Observer()
        self._asking: threading.Thread | None = None
        self._identity: tuple[int, int] | None = None
        self.refusal = ""  # why there are no notifications to be had
        self._lock = threading.Lock()
        self._paths: set[Path] = set()
        self._heard: dict[Path, Heard] = {}
        self._scan_wanted = False

    def start(self) -> None:
        """Start; the folder is added with `keep_watching`."""
        # watchdog warns about a harmless race, and its warnings name sub-folders, which may be named after patients.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"watchdog\.")
        self._observer.start()

    def stop(self) -> None:
        """Stop."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    def keep_watching(self) -> None:
        """Ask for notifications about the folder, unless that was done and it is still that folder: it was not made
        anew, and nothing was mounted there. Raises OSError when the folder cannot be looked at.

        That takes a while where there are many sub-folders, and for ever on a mount that hangs, so it has a thread of
        its own; nobody waits for it.
        """
        before, self._identity = self._identity, None
        status = self._root.stat()
        if self._asking is not None and self._asking.is_alive():
            return
        self._identity = (status.st_dev, status.st_ino)
        # watchdog's thread ends with the folder, and by an error.
        if before != self._identity or not all(emitter.is_alive() for emitter in self._observer.emitters):
            self._asking = threading.Thread(target=self._ask, name="ask-for-notices", daemon=True)
            self._asking.start()

    def _ask(self) -> None:
        with self._lock:
            self._heard.clear()
        self._observer.unschedule_all()
        try:
            self._observer.schedule(_Handler(self), str(self._root), recursive=True, event_filter=EVENTS)
        except OSError as problem:
            self.refusal = problem.strerror or type(problem).__name__
            return
        self.refusal = ""
        with self._lock:
            self._scan_wanted = True  # for what came before
        self._on_hint()

    def collected(self) -> tuple[set[Path], bool]:
        """The paths to look at since the last call, and whether to scan everything instead."""
        with self._lock:
            paths, scan_wanted = self._paths, self._scan_wanted
            self._paths, self._scan_wanted = set(), False
        return paths, scan_wanted

    def heard_of(self, path: Path) -> Heard | None:
        """What was last heard of the file; None where nothing was."""
        with self._lock:
            return self._heard.get(path)

    def forget(self, path: Path) -> None:
        """The file is dealt with."""
        with self._lock:
            self._heard.pop(path, None)

    def note(self, event: FileSystemEvent) -> None:
        """Note what was reported."""
        path = Path(str(event.dest_path or event.src_path))
        is_inside = path.is_relative_to(self._root) and path != self._root
        with self._lock:
            self._note_heard(event, path if is_inside else None)
            if not is_inside or isinstance(event, FileModifiedEvent):
                return
            if event.is_directory or len(self._paths) >= MAXIMUM_PATHS:
                self._scan_wanted = True
            else:
                self._paths.add(path)
        self._on_hint()

    def _note_heard(self, event: FileSystemEvent, path: Path | None) -> None:
        if len(self._heard) >= MAXIMUM_HEARD:
            self._heard.clear()
        before: Heard | None = None
        if isinstance(event, FileMovedEvent):
            before = self._heard.pop(Path(str(event.src_path)), None)
        if path is None:
            return
        match event:
            case FileClosedEvent():
                self._heard[path] = Heard.CLOSED
            case FileModifiedEvent():  # "created" may only mean that it was moved here
                self._heard[path] = Heard.WRITING
            case FileMovedEvent() if before is not None:
                self._heard[path] = before
            case FileMovedEvent():
                self._heard.pop(path, None)
            case _:
                pass


class _Handler(FileSystemEventHandler):
    def __init__(self, hints: FolderHints) -> None:
        self._hints = hints

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._hints.note(event)
